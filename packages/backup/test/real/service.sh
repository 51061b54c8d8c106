#!/bin/sh
# A service manager for tests: service.sh start|stop FOLDER, for the ovsdb-server of FOLDER/db.db. Both may be repeated.
set -u
cd "$2" || exit 1
# A process that nobody has waited for yet is gone all the same.
alive() {
  [ -s pid ] || return 1
  case "$(cat "/proc/$(cat pid)/stat" 2>/dev/null)" in "" | *") Z "*) return 1 ;; esac
}
case "$1" in
start)
  alive && exit 0
  [ -e db.db ] || { echo "no db.db" >&2; exit 1; }
  exec ovsdb-server db.db --remote="punix:$PWD/db.sock" --unixctl="$PWD/ctl" --pidfile="$PWD/pid" --log-file="$PWD/log" \
    --detach --no-chdir -vconsole:off -vfile:info </dev/null >/dev/null 2>&1
  ;;
stop)
  alive || exit 0
  kill "$(cat pid)"
  while alive; do sleep 0.02; done
  ;;
*) exit 64 ;;
esac
