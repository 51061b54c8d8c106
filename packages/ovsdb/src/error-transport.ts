/** Errors of the link: it could not be made, it broke, or what came over it makes no sense. */
import { OvsdbError, type OvsdbErrorFields } from "./error-base.ts";

/** The peer sent something that is not OVSDB, or contradicts its own schema or history. */
export class ProtocolError extends OvsdbError {
  override readonly name: string = "ProtocolError";
  constructor(message: string, fields: OvsdbErrorFields = {}) {
    super("PROTOCOL", message, { origin: "transport", ...fields });
  }
}

/** The link could not be made, or was lost while nothing that changes data was under way. */
export class TransportError extends OvsdbError {
  override readonly name: string = "TransportError";
  /** The system's word for it, such as "ECONNREFUSED", where there is one. */
  readonly reason: string | undefined;
  constructor(message: string, fields: OvsdbErrorFields & { readonly reason?: string | undefined } = {}) {
    super("TRANSPORT", message, { origin: "transport", ...fields });
    this.reason = fields.reason;
  }
}

/** Why a TLS handshake failed. Other words may come from the TLS library. */
export type TlsReason =
  | "expired"
  | "not-yet-valid"
  | "wrong-host"
  | "unknown-ca"
  | "self-signed"
  | "no-client-certificate"
  | "revoked"
  | "bad-key"
  | "alert"
  | "not-tls"
  | (string & {});

/** A TLS handshake failed; `reason` says why. */
export class TlsError extends OvsdbError {
  override readonly name: string = "TlsError";
  readonly reason: TlsReason;
  constructor(reason: TlsReason, message: string, fields: OvsdbErrorFields = {}) {
    super("TLS", message, { origin: "transport", ...fields });
    this.reason = reason;
  }
}

export type EndpointReasonKind =
  | "refused-follower"
  | "not-joined"
  | "partitioned"
  | "stale"
  | "wrong-cluster"
  | "no-database"
  | "relay"
  | "tls"
  | "timeout"
  | "refused"
  | "lost"
  | "protocol";

/** Why one endpoint could not serve. */
export type EndpointReason = {
  readonly endpoint: string;
  readonly reason: EndpointReasonKind;
  /** For people: what was seen. */
  readonly detail: string;
  readonly error?: OvsdbError | undefined;
};

/** No endpoint can serve now; one reason for each that was tried. Nothing was sent. */
export class UnavailableError extends OvsdbError {
  override readonly name: string = "UnavailableError";
  readonly reasons: readonly EndpointReason[];
  constructor(message: string, reasons: readonly EndpointReason[], fields: OvsdbErrorFields = {}) {
    const list = reasons.map(
      ({ endpoint, reason, detail }) => `\n  ${endpoint}: ${reason}${detail === "" ? "" : ` (${detail})`}`,
    );
    super("UNAVAILABLE", message + list.join(""), { origin: "transport", ...fields });
    this.reasons = reasons;
  }
}

/** What asking later found out about a transaction whose reply was lost. */
export type OutcomeResolution<Result = unknown> =
  | { readonly committed: true; readonly result?: Result }
  | { readonly committed: false }
  | { readonly committed: "unknown"; readonly why: string };

/**
 * The link was lost, or time ran out, after a transaction was sent and before its reply came: it may have been committed,
 * or not, or may still be. It is never sent again silently. Where the transaction carries a guard, `resolve` asks the
 * database which of the two happened.
 */
export class OutcomeUnknownError extends OvsdbError {
  override readonly name: string = "OutcomeUnknownError";
  resolve: (() => Promise<OutcomeResolution>) | undefined;
  constructor(
    message: string,
    fields: OvsdbErrorFields & { readonly resolve?: (() => Promise<OutcomeResolution>) | undefined } = {},
  ) {
    super("OUTCOME_UNKNOWN", message, { origin: "transport", ...fields });
    this.resolve = fields.resolve;
  }
}
