/** Where the keys and certificates of `ssl:` and `pssl:` connections come from. */
import { readFile, stat } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { TlsError } from "../error.ts";
import { publishWarning } from "./diagnostics.ts";

export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** What one new connection is made with; PEM text. */
export type TlsMaterial = {
  /** Authorities that the peer's chain must end in. Without it, those that Node.js ships. */
  readonly ca?: string | undefined;
  /** Our own certificate, with intermediate ones behind it. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
};

export type TlsOptions = {
  /** The name (or IP address) that the server's certificate must be for, and that is asked for (SNI); default: the host of the remote. */
  readonly serverName?: string | undefined;
  /**
   * False accepts any certificate of a trusted authority, whatever its name, as Open vSwitch's own tools do; for
   * certificates made by `ovs-pki`, which name no host. The chain is always verified. Default true.
   */
  readonly verifyHost?: boolean | undefined;
  /** Default TLSv1.2. */
  readonly minVersion?: TlsVersion | undefined;
  readonly maxVersion?: TlsVersion | undefined;
  /** OpenSSL cipher list; default Node.js's own. */
  readonly ciphers?: string | undefined;
  /**
   * Trust on first use: if this file does not exist, the first server reached sends its authority's certificate, which is
   * written there and trusted from then on, as `ovsdb-client --bootstrap-ca-cert` does. Whoever sits between at that
   * moment stays between: only for networks that are trusted at that time. Takes the place of `ca`.
   */
  readonly bootstrapCa?: string | undefined;
};

export interface TlsSource {
  readonly options: TlsOptions;
  /**
   * Asked before each new connection.
   * @throws TlsError
   */
  load(): Promise<TlsMaterial>;
}

/** Keys and certificates from memory: PEM text. */
export function memoryTls(material: TlsMaterial & TlsOptions): TlsSource {
  const { ca, cert, key, ...options } = material;
  checkPair(cert, key, "cert and key");
  return { options, load: () => Promise.resolve({ ca, cert, key }) };
}

export type TlsFiles = TlsOptions & {
  /** Path of the authorities' certificates (PEM). */
  readonly ca?: string | undefined;
  /** Path of our certificate (PEM); needs `key` too. */
  readonly cert?: string | undefined;
  /** Path of our private key (PEM). */
  readonly key?: string | undefined;
};

/**
 * Keys and certificates from files. Each new connection looks whether a file has changed and reads it again if so: a
 * renewed certificate needs no restart. While the files don't fit together (only one of a pair replaced, a file half
 * written or missing), the last good ones stay in use, and channel `ovnha:ovsdb:warning` says why.
 */
export function filesTls(files: TlsFiles): TlsSource {
  const { ca, cert, key, ...options } = files;
  if ((cert === undefined) !== (key === undefined)) {
    throw new TlsError(
      "bad-key",
      `filesTls has ${cert === undefined ? "a key without cert" : "a cert without key"}; give both or neither`,
      { origin: "local" },
    );
  }
  const paths = { ca: ca ?? options.bootstrapCa, cert, key };
  let good: { readonly stamps: string; readonly material: TlsMaterial } | undefined;
  const load = async (): Promise<TlsMaterial> => {
    try {
      const stamps = await stampsOf(paths, options.bootstrapCa);
      if (good?.stamps === stamps) return good.material;
      const material = await readAll(paths, options.bootstrapCa);
      // Replaced while being read: what was read may be of two generations, so it is not remembered as good.
      const isSettled = (await stampsOf(paths, options.bootstrapCa)) === stamps;
      good = { stamps: isSettled ? stamps : "", material };
      return material;
    } catch (cause) {
      const error = cause instanceof TlsError ? cause : unreadable(cause);
      if (good === undefined) throw error;
      publishWarning(`TLS files could not be taken, the last good ones stay in use: ${error.message}`, error);
      return good.material;
    }
  };
  return { options, load };
}

type Paths = { readonly [name in keyof TlsMaterial]: string | undefined };

/** Changes whenever a file is written or replaced. */
async function stampsOf(paths: Paths, optional: string | undefined): Promise<string> {
  const stamps = await Promise.all(
    Object.values(paths).map(async (path) => {
      if (path === undefined) return "-";
      try {
        const { mtimeNs, size, ino } = await stat(path, { bigint: true });
        return `${mtimeNs}/${size}/${ino}`;
      } catch (error) {
        if (path === optional && isMissing(error)) return "missing";
        throw error;
      }
    }),
  );
  return stamps.join(" ");
}

async function readAll(paths: Paths, optional: string | undefined): Promise<TlsMaterial> {
  const read = async (path: string | undefined): Promise<string | undefined> => {
    if (path === undefined) return undefined;
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      if (path === optional && isMissing(error)) return undefined;
      throw error;
    }
  };
  const [ca, cert, key] = await Promise.all([read(paths.ca), read(paths.cert), read(paths.key)]);
  checkCertificates(ca, paths.ca);
  checkCertificates(cert, paths.cert);
  checkPair(cert, key, `${paths.cert} and ${paths.key}`);
  return { ca, cert, key };
}

function checkCertificates(pem: string | undefined, path: string | undefined): void {
  if (pem === undefined) return;
  const begun = pem.match(/-----BEGIN [A-Z0-9 ]*CERTIFICATE-----/g)?.length ?? 0;
  const ended = pem.match(/-----END [A-Z0-9 ]*CERTIFICATE-----/g)?.length ?? 0;
  if (begun > 0 && begun === ended) return;
  throw new TlsError(
    "bad-certificate",
    `${path} ${begun === 0 ? "holds no certificate" : "ends in the middle of a certificate"} (PEM)`,
    { origin: "local" },
  );
}

function checkPair(cert: string | undefined, key: string | undefined, names: string): void {
  if (cert === undefined && key === undefined) return;
  if (cert === undefined || key === undefined)
    throw new TlsError("bad-key", "a certificate needs its key, and a key its certificate", { origin: "local" });
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    throw new TlsError("bad-key", `${names} can't be used together: ${(cause as Error).message}`, {
      origin: "local",
      cause,
    });
  }
}

function unreadable(cause: unknown): TlsError {
  const { path, code, message } = cause as NodeJS.ErrnoException;
  return new TlsError("unreadable", `${path ?? "a TLS file"} can't be read: ${code ?? message}`, {
    origin: "local",
    cause,
  });
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}
