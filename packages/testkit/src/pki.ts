/** Certificates for tests, made on the spot by the openssl command; good ones and bad ones. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./processes.ts";
import type { TlsFiles } from "./server.ts";

/** Paths of PEM files; `ca` is the authority that the holder trusts. */
export type Pki = {
  readonly dir: string;
  /** For 127.0.0.1, ::1 and localhost. */
  readonly server: TlsFiles;
  /** The certificate of a client with the common name `client`. */
  readonly client: TlsFiles;
  /** A good chain for another host: `elsewhere.example`, 192.0.2.1. */
  readonly wrongHost: TlsFiles;
  /** Ended in 2021. */
  readonly expired: TlsFiles;
  /** Signed by an authority that nobody here trusts; its own `ca` is that authority. */
  readonly stranger: TlsFiles;
  /** A client certificate with this common name: to RBAC, who the client is. */
  clientNamed(commonName: string): Promise<TlsFiles>;
};

const HERE = "IP:127.0.0.1,IP:::1,DNS:localhost";
const ELSEWHERE = "DNS:elsewhere.example,IP:192.0.2.1";
const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"] as const;

type Subject = { readonly file: string; readonly commonName: string; readonly names?: string; readonly until?: string };

/** An authority with a folder of its own; `openssl ca` rather than `x509`, since only that takes dates in the past. */
class Authority {
  readonly dir: string;
  readonly ca: string;

  constructor(parent: string, name: string) {
    this.dir = join(parent, name);
    this.ca = join(this.dir, "ca.pem");
  }

  async make(): Promise<this> {
    mkdirSync(this.dir, { recursive: true });
    writeFileSync(join(this.dir, "issued"), "");
    const lines = [
      ["ca", "default_ca=here"],
      ["here", `dir=${this.dir}`, "database=$dir/issued", "new_certs_dir=$dir", "rand_serial=yes"],
      ["default_md=sha256", "policy=any", "unique_subject=no", "copy_extensions=copy"],
      ["any", "commonName=supplied"],
    ].map(([first = "", ...rest]) => [first.includes("=") ? first : `[${first}]`, ...rest].join("\n"));
    writeFileSync(join(this.dir, "ca.cnf"), `${lines.join("\n")}\n`);
    const subject = ["-subj", "/CN=ovnha test authority", "-days", "3650"];
    await runCommand("openssl", ["req", "-x509", ...KEY, "-keyout", this.#at("ca.key"), "-out", this.ca, ...subject]);
    return this;
  }

  async issue({ file, commonName, names, until = "20991231235959Z" }: Subject): Promise<TlsFiles> {
    const [key, request, cert] = [this.#at(`${file}.key`), this.#at(`${file}.csr`), this.#at(`${file}.pem`)];
    const extension = names === undefined ? [] : ["-addext", `subjectAltName=${names}`];
    await runCommand("openssl", [
      "req",
      ...KEY,
      "-keyout",
      key,
      "-out",
      request,
      "-subj",
      `/CN=${commonName}`,
      ...extension,
    ]);
    const signer = ["-config", this.#at("ca.cnf"), "-cert", this.ca, "-keyfile", this.#at("ca.key")];
    const dates = ["-startdate", "20200101000000Z", "-enddate", until];
    await runCommand("openssl", ["ca", "-batch", ...signer, "-in", request, "-out", cert, "-notext", ...dates]);
    return { ca: this.ca, cert, key };
  }

  #at(file: string): string {
    return join(this.dir, file);
  }
}

/** Makes two authorities and the certificates of {@link Pki} in `dir`. Takes some 200 ms. */
export async function makePki(dir: string): Promise<Pki> {
  const own = await new Authority(dir, "own").make();
  const foreign = await new Authority(dir, "foreign").make();
  // One after the other: an authority writes down what it has issued.
  const server = await own.issue({ file: "server", commonName: "server", names: HERE });
  const client = await own.issue({ file: "client", commonName: "client" });
  const wrongHost = await own.issue({ file: "wrong-host", commonName: "elsewhere", names: ELSEWHERE });
  const expired = await own.issue({ file: "expired", commonName: "server", names: HERE, until: "20210101000000Z" });
  const stranger = await foreign.issue({ file: "server", commonName: "server", names: HERE });
  let named = 0;
  const clientNamed = (commonName: string): Promise<TlsFiles> => own.issue({ file: `client-${++named}`, commonName });
  return { dir, server, client, wrongHost, expired, stranger, clientNamed };
}
