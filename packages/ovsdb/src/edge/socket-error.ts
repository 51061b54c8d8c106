/** What the system and the TLS library say when a connection fails, as errors that say what to do. */
import { type OvsdbError, TlsError, type TlsReason, TransportError } from "../error.ts";
import { type Endpoint, formatEndpoint } from "../remote.ts";

type SystemError = Error & {
  readonly code?: string;
  readonly errors?: readonly SystemError[];
  readonly reason?: string;
};

/** How far the connection had come. */
export type Progress = {
  /** The connection stood, handshake included. */
  readonly isOpen: boolean;
  /** At least one byte of the server's had arrived since. */
  readonly hasHeard: boolean;
};

const SYSTEM: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there; check address and port, and that the server runs",
  ENOENT: "there is no such socket; check the path, and that the server runs",
  EACCES: "permission denied; check the rights on the socket and its folder",
  ENOTFOUND: "the host name is not known; check its spelling and the resolver",
  EAI_AGAIN: "the name server does not answer",
  ETIMEDOUT: "no answer; check routes and firewalls",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  ECONNRESET: "the server reset the connection",
  EPIPE: "the server closed the connection while it was being written to",
  ENOTSOCK: "the path is not a socket",
  EADDRINUSE: "another process listens there already",
  EADDRNOTAVAIL: "the address is not one of this machine",
};

/** OpenSSL's names for the refusals of a certificate, sorted by what an operator does about them. */
const CERTIFICATE: Readonly<Record<string, readonly [TlsReason, string]>> = {
  CERT_HAS_EXPIRED: [
    "expired",
    "its certificate, or one in its chain, has expired; renew it, and check this machine's clock",
  ],
  CERT_NOT_YET_VALID: ["not-yet-valid", "its certificate is not valid yet; check the clocks of both machines"],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    "wrong-host",
    "its certificate is for another name; connect by a name in it, or give that name as serverName",
  ],
  SELF_SIGNED_CERT_IN_CHAIN: [
    "self-signed",
    "its chain ends in a certificate authority that is not among the trusted ones; add it to ca",
  ],
  DEPTH_ZERO_SELF_SIGNED_CERT: [
    "self-signed",
    "its certificate is signed by itself and not trusted; give it as ca if it is the right one",
  ],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [
    "unknown-ca",
    "its certificate is signed by an authority that is not among the trusted ones; add that to ca",
  ],
  UNABLE_TO_GET_ISSUER_CERT: [
    "unknown-ca",
    "the issuer of its certificate is not among the trusted ones; add it to ca",
  ],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [
    "unknown-ca",
    "the issuer of its certificate is not among the trusted ones; add it to ca",
  ],
  CERT_SIGNATURE_FAILURE: [
    "unknown-ca",
    "its certificate was signed by another authority of the same name; use the present ca file",
  ],
  CERT_UNTRUSTED: ["unknown-ca", "its certificate is not trusted for this use"],
  CERT_REVOKED: ["revoked", "its certificate was revoked"],
  INVALID_PURPOSE: ["bad-purpose", "its certificate is not meant for this side of a connection (extended key usage)"],
  INVALID_CA: ["unknown-ca", "a certificate in its chain is not an authority"],
};

/** Alerts: what the server says about us (RFC 8446 §6.2). OpenSSL's code contains one of these. */
const ALERTS: readonly (readonly [string, TlsReason, string])[] = [
  ["CERTIFICATE_REQUIRED", "no-client-certificate", "it asks for a client certificate; give cert and key"],
  ["ALERT_UNKNOWN_CA", "client-certificate-refused", "it does not trust the authority that signed our certificate"],
  ["ALERT_CERTIFICATE_EXPIRED", "client-certificate-refused", "it says that our certificate has expired"],
  ["ALERT_CERTIFICATE_REVOKED", "client-certificate-refused", "it says that our certificate was revoked"],
  ["ALERT_BAD_CERTIFICATE", "client-certificate-refused", "it refused our certificate"],
  ["ALERT_CERTIFICATE_UNKNOWN", "client-certificate-refused", "it refused our certificate"],
  ["ALERT_UNSUPPORTED_CERTIFICATE", "client-certificate-refused", "it refused the kind of our certificate"],
  ["ALERT_ACCESS_DENIED", "client-certificate-refused", "it knows our certificate and denies access"],
  ["ALERT_DECRYPT_ERROR", "client-certificate-refused", "it could not verify our signature or certificate"],
  ["PEER_DID_NOT_RETURN_A_CERTIFICATE", "no-client-certificate", "it gave no client certificate"],
  ["ALERT_PROTOCOL_VERSION", "protocol", "it speaks none of our TLS versions; see minVersion"],
  ["UNSUPPORTED_PROTOCOL", "protocol", "it speaks none of our TLS versions; see minVersion"],
  ["NO_SHARED_CIPHER", "protocol", "no cipher is common to both sides; see ciphers"],
  [
    "ALERT_HANDSHAKE_FAILURE",
    "alert",
    "it refused the handshake: no common cipher, or it asks for a client certificate (cert and key)",
  ],
  ["UNRECOGNIZED_NAME", "wrong-host", "it does not serve this name; see serverName"],
  ["WRONG_VERSION_NUMBER", "not-tls", "it does not speak TLS there; is it a tcp: port?"],
  ["PACKET_LENGTH_TOO_LONG", "not-tls", "it does not speak TLS there; is it a tcp: port?"],
  ["HTTP_REQUEST", "not-tls", "it does not speak TLS there; is it a tcp: port?"],
];

/** The typed error for what a socket reported; `error` undefined means that the peer just closed it. */
export function socketError(endpoint: Endpoint, error: Error | undefined, progress: Progress): OvsdbError | undefined {
  const place = formatEndpoint(endpoint);
  const system = firstOf(error as SystemError | undefined);
  const code = system?.code ?? "";
  const isTls = endpoint.kind === "ssl" || endpoint.kind === "pssl";
  if (isTls) {
    const tls = tlsError(place, code, system);
    if (tls !== undefined) return tls;
    if (!progress.isOpen && (code === "ECONNRESET" || code === "" || code === "EPIPE")) {
      return new TlsError(
        "closed",
        `${place}: the connection was closed during the TLS handshake; does it speak TLS there, and does it accept our certificate?`,
        { cause: error },
      );
    }
    // TLS 1.3 lets us finish before the server has looked at our certificate: a refusal looks like a lost connection.
    if (progress.isOpen && !progress.hasHeard) {
      return new TlsError(
        "client-certificate-refused",
        `${place}: the server hung up right after the TLS handshake, which is how TLS 1.3 refuses a client certificate (cert, key)`,
        { cause: error },
      );
    }
  }
  if (system === undefined) return undefined;
  const remedy = SYSTEM[code] ?? system.message;
  return new TransportError(`${place}: ${remedy}${code === "" ? "" : ` (${code})`}`, {
    reason: code === "" ? undefined : code,
    cause: error,
  });
}

function tlsError(place: string, code: string, error: SystemError | undefined): TlsError | undefined {
  const certificate = CERTIFICATE[code];
  if (certificate !== undefined) {
    const detail =
      code === "ERR_TLS_CERT_ALTNAME_INVALID" && error?.reason !== undefined ? ` (${error.reason})` : ` (${code})`;
    return new TlsError(certificate[0], `${place}: ${certificate[1]}${detail}`, { cause: error });
  }
  if (!code.startsWith("ERR_SSL_") && code !== "EPROTO") return undefined;
  const text = code === "EPROTO" ? (error?.message ?? "").toUpperCase().replaceAll(" ", "_") : code;
  const alert = ALERTS.find(([part]) => text.includes(part));
  if (alert !== undefined) return new TlsError(alert[1], `${place}: ${alert[2]} (${code})`, { cause: error });
  return new TlsError("alert", `${place}: the TLS handshake failed: ${error?.message ?? code}`, { cause: error });
}

/** Several addresses tried make one error of many; the first tells the most. */
function firstOf(error: SystemError | undefined): SystemError | undefined {
  return error?.errors?.[0] ?? error;
}
