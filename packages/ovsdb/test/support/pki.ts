/** Certificates made on the spot with the openssl command. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type KeyPair = { readonly cert: string; readonly key: string };

export type Wanted = {
  /** Subject's common name, and part of the files' names. */
  readonly name: string;
  /** As openssl writes them: `IP:127.0.0.1,DNS:localhost`. */
  readonly names?: string;
  /** `YYYYMMDDHHMMSSZ`. */
  readonly from?: string;
  readonly until?: string;
};

const openssl = (dir: string, ...args: readonly string[]): string =>
  execFileSync("openssl", args, { cwd: dir, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

export class Authority {
  readonly dir: string;
  /** Path of its certificate. */
  readonly ca: string;

  constructor(parent: string, name: string) {
    this.dir = join(parent, name);
    this.ca = join(this.dir, "ca.pem");
    mkdirSync(this.dir, { recursive: true });
    writeFileSync(join(this.dir, "index.txt"), "");
    writeFileSync(
      join(this.dir, "ca.cnf"),
      [
        "[ca]",
        "default_ca=own",
        "[own]",
        `dir=${this.dir}`,
        "database=$dir/index.txt",
        "new_certs_dir=$dir",
        "rand_serial=yes",
        "default_md=sha256",
        "policy=any",
        "unique_subject=no",
        "copy_extensions=copy",
        "[any]",
        "commonName=supplied",
      ].join("\n"),
    );
    openssl(
      this.dir,
      "req",
      "-x509",
      ...FRESH_KEY,
      "-keyout",
      "ca.key",
      "-out",
      "ca.pem",
      "-subj",
      `/CN=${name}`,
      "-days",
      "3650",
    );
  }

  issue({ name, names, from = "20200101000000Z", until = "20991231235959Z" }: Wanted): KeyPair {
    const san = names === undefined ? [] : ["-addext", `subjectAltName=${names}`];
    openssl(
      this.dir,
      "req",
      ...FRESH_KEY,
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.csr`,
      "-subj",
      `/CN=${name}`,
      ...san,
    );
    openssl(
      this.dir,
      "ca",
      "-batch",
      "-config",
      "ca.cnf",
      "-cert",
      "ca.pem",
      "-keyfile",
      "ca.key",
      "-in",
      `${name}.csr`,
      "-out",
      `${name}.pem`,
      "-notext",
      "-startdate",
      from,
      "-enddate",
      until,
    );
    return { cert: join(this.dir, `${name}.pem`), key: join(this.dir, `${name}.key`) };
  }
}

const FRESH_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"] as const;
