#!/usr/bin/env bash
# Builds the database servers and tools of one release of Open vSwitch, to run the tests against it:
#   build-ovs.sh VERSION [PREFIX] [SOURCE]
# VERSION is such as 2.17.12 or 3.7.1; PREFIX is an absolute folder (default: ~/.cache/ovnha/ovs-VERSION); SOURCE is a git
# repository or folder with the tag (default: the public one). Needs git, gcc, make, autoconf, automake, libtool, Python 3
# and the headers of OpenSSL; releases before 2.13 need Python 2.7 with "six", which PYTHON names if PATH does not have it.
# Takes some two minutes. Nothing is installed but the four programs in PREFIX/bin.
set -euo pipefail

version="${1:-}"
version="${version#v}"
if ! [[ "$version" =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]]; then
  echo "usage: ${BASH_SOURCE[0]##*/} VERSION [PREFIX] [SOURCE], such as 3.7.1" >&2
  exit 2
fi
prefix="${2:-$HOME/.cache/ovnha/ovs-$version}"
source="${3:-https://github.com/openvswitch/ovs}"
programs=(ovsdb/ovsdb-server ovsdb/ovsdb-tool ovsdb/ovsdb-client utilities/ovs-appctl)

case "$prefix" in /*) ;; *) echo "PREFIX has to be an absolute folder, not $prefix" >&2; exit 2 ;; esac
for tool in git gcc make autoconf automake libtoolize; do
  command -v "$tool" >/dev/null && continue
  echo "$tool is missing: apt-get install git gcc make autoconf automake libtool libssl-dev python3" >&2
  exit 1
done

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
# What a step prints matters only if it fails.
quietly() {
  "$@" >"$work/output" 2>&1 && return
  tail -n 40 "$work/output" >&2
  echo "Failed: $*" >&2
  exit 1
}

# The generators of releases before 2.13 stumble over a Python newer than 3.7; configure would take the newest.
if [[ "$version" =~ ^2\.([0-9]|1[0-2])\. ]]; then
  python="${PYTHON:-python2.7}"
  if ! "$python" -c "import six" 2>/dev/null; then
    echo "Open vSwitch $version is built with Python 2.7 and its module six: set PYTHON (and PYTHONPATH) to where they are" >&2
    exit 1
  fi
  export PYTHON="$python" PYTHON2="$python" PYTHON3="$python"
fi

echo "Open vSwitch $version from $source …"
quietly git clone --quiet --depth 1 --branch "v$version" "$source" "$work/ovs"
cd "$work/ovs"
quietly ./boot.sh
options=()
# Releases before 2.11 generate a source with "openssl dhparam -C", which OpenSSL 3 no longer has.
if grep -q "dhparam -C" lib/automake.mk && ! openssl dhparam -help 2>&1 | grep -q -- " -C "; then
  echo "Without TLS, for this release and this OpenSSL do not fit."
  options+=(--disable-ssl)
fi
# The paths of the distribution's packages, so that schemas and sockets are looked for where they are.
quietly ./configure --prefix="$prefix" --sysconfdir=/etc --localstatedir=/var "${options[@]}" CFLAGS="-O2 -w"
# Generated sources first: single programs do not ask for them.
printf 'ovnha-sources: $(BUILT_SOURCES)\n' >sources.mk
quietly make -j2 -f Makefile -f sources.mk ovnha-sources
quietly make -j2 "${programs[@]}"
mkdir -p "$prefix/bin"
cp "${programs[@]}" "$prefix/bin/"

"$prefix/bin/ovsdb-server" --version | head -n 1
echo "To run the tests against it:"
echo "  PATH=$prefix/bin:\$PATH OVNHA_REQUIRE_OVS=1 npx vitest run packages/cluster/test/real"
