/** Trust on first use: take the authority from the first server and write it down (`ovsdb-client --bootstrap-ca-cert`). */
import { link, unlink, writeFile } from "node:fs/promises";
import type { DetailedPeerCertificate, TLSSocket } from "node:tls";
import { TlsError } from "../error.ts";

/**
 * Writes the authority at the end of the chain that the server sent to `path`. The file appears whole or not at all; if
 * another process was first, its file stays and counts.
 *
 * @throws TlsError if the server did not send a self-signed authority (start it with `--peer-ca-cert`).
 */
export async function bootstrapCa(socket: TLSSocket, path: string, place: string): Promise<void> {
  let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  const seen = new Set<string>();
  while (certificate?.issuerCertificate !== undefined && !seen.has(certificate.fingerprint256)) {
    seen.add(certificate.fingerprint256);
    if (certificate.issuerCertificate === certificate) break;
    certificate = certificate.issuerCertificate;
  }
  const isAuthority =
    certificate?.raw !== undefined && JSON.stringify(certificate.subject) === JSON.stringify(certificate.issuer);
  if (!isAuthority) {
    throw new TlsError(
      "no-bootstrap",
      `${place}: the server did not send its authority's certificate, so there is nothing to trust; start it with --peer-ca-cert, or copy the file`,
    );
  }
  const base64 = certificate?.raw.toString("base64").match(/.{1,64}/g) ?? [];
  const temporary = `${path}.${process.pid}.new`;
  try {
    await writeFile(temporary, `-----BEGIN CERTIFICATE-----\n${base64.join("\n")}\n-----END CERTIFICATE-----\n`, {
      mode: 0o644,
      flag: "w",
    });
    await link(temporary, path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== "EEXIST")
      throw new TlsError("unreadable", `${path} can't be written: ${code}`, { origin: "local", cause });
  } finally {
    await unlink(temporary).catch(() => {});
  }
}
