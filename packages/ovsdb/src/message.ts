/**
 * JSON-RPC messages. In memory each is an object of `jsonrpc-lite`; on the wire OVSDB speaks JSON-RPC 1.0 (RFC 7047 §4),
 * which differs: no "jsonrpc" member (ovsdb-server hangs up on members it does not know), `id: null` marks a
 * notification, a reply has both `result` and `error`, and an error is any JSON value. This file is the one place that
 * knows the difference.
 */
import { ErrorObject, type ID, JsonRpcError, NotificationObject, RequestObject, SuccessObject } from "jsonrpc-lite";
import { ProtocolError } from "./error.ts";
import { type Json, type JsonObject, isJsonObject, stringifyJson } from "./json.ts";

export { ErrorObject, JsonRpcError, NotificationObject, RequestObject, SuccessObject } from "jsonrpc-lite";

/** One message, told apart by class or by {@link messageKind}. */
export type JsonRpcMessage = RequestObject | NotificationObject | SuccessObject | ErrorObject;

export type MessageKind = "request" | "notification" | "success" | "error";

/** `JsonRpcError.code` of an OVSDB error, which has none of its own; the value itself is in `data`. */
const CODE_SERVER_ERROR = -32000;
const CODE_METHOD_NOT_FOUND = -32601;

export function messageKind(message: JsonRpcMessage): MessageKind {
  if (message instanceof SuccessObject) return "success";
  if (message instanceof ErrorObject) return "error";
  return message instanceof RequestObject ? "request" : "notification";
}

/** A request. An id is any JSON value but null (RFC 7047 §3.1); jsonrpc-lite's type admits only some of them. */
export function request(id: Json, method: string, params: readonly Json[]): RequestObject {
  return new RequestObject(id as ID, method, params as Json[] as object[]);
}

export function notification(method: string, params: readonly Json[]): NotificationObject {
  return new NotificationObject(method, params as Json[] as object[]);
}

export function success(id: Json, result: Json): SuccessObject {
  return new SuccessObject(id as ID, result as object);
}

/** An error reply; `error` is the OVSDB value, an object with an `error` member or a bare string. */
export function failure(id: Json, error: Json): ErrorObject {
  const tag = isJsonObject(error) ? error["error"] : error;
  const text = typeof tag === "string" ? tag : stringifyJson(error);
  const code = tag === "unknown method" ? CODE_METHOD_NOT_FOUND : CODE_SERVER_ERROR;
  return new ErrorObject(id as ID, new JsonRpcError(text, code, error));
}

/** The params of a request or notification; decoded ones always have an array. */
export function paramsOf(message: RequestObject | NotificationObject): readonly Json[] {
  return (message.params ?? []) as readonly Json[];
}

/** The OVSDB error value of an error reply. */
export function errorValue(message: ErrorObject): Json {
  return (message.error.data ?? message.error.message) as Json;
}

/** The reply to an `echo` request: its params come back as they are (RFC 7047 §4.1.11). Undefined for anything else. */
export function echoReply(message: JsonRpcMessage): SuccessObject | undefined {
  if (!(message instanceof RequestObject) || message.method !== "echo") return undefined;
  return success(message.id as Json, paramsOf(message));
}

/** The text that goes over the wire. */
export function encodeMessage(message: JsonRpcMessage): string {
  if (message instanceof SuccessObject) {
    return `{"id":${json(message.id)},"result":${json(message.result)},"error":null}`;
  }
  if (message instanceof ErrorObject)
    return `{"id":${json(message.id)},"result":null,"error":${json(errorValue(message))}}`;
  const id = message instanceof RequestObject ? json(message.id) : "null";
  const params = message.params ?? [];
  if (!Array.isArray(params)) {
    throw new ProtocolError(`params of ${message.method} must be an array: ovsdb-server hangs up on anything else`, {
      origin: "local",
    });
  }
  return `{"id":${id},"method":${json(message.method)},"params":${json(params)}}`;
}

/**
 * The message that a JSON value from the wire is. Members with null and absent ones are the same, unknown ones are
 * ignored, an error reply may have no `result` (as ovsdb-server sends it).
 *
 * @throws ProtocolError if it is none.
 */
export function decodeMessage(value: Json): JsonRpcMessage {
  if (!isJsonObject(value)) return refuse("it is not an object", value);
  const id = value["id"] ?? null;
  const method = value["method"] ?? null;
  return method === null ? decodeReply(value, id) : decodeCall(value, id, method);
}

function decodeCall(value: JsonObject, id: Json, method: Json): JsonRpcMessage {
  if (typeof method !== "string") return refuse("its method is not a string", value);
  const params = value["params"];
  if (!Array.isArray(params)) return refuse("its params are not an array", value);
  if ((value["result"] ?? null) !== null || (value["error"] ?? null) !== null)
    return refuse("it is both a request and a reply", value);
  return id === null ? notification(method, params) : request(id, method, params);
}

function decodeReply(value: JsonObject, id: Json): JsonRpcMessage {
  if (id === null) return refuse("it has neither a method nor an id", value);
  const error = value["error"] ?? null;
  const result = value["result"];
  if (error !== null) {
    if ((result ?? null) !== null) return refuse("it has both a result and an error", value);
    return failure(id, error);
  }
  if (result === undefined) return refuse("it has neither a method, nor a result, nor an error", value);
  return success(id, result);
}

function refuse(reason: string, value: Json): never {
  // Only members' names: the value may be as large as a database.
  const shape = isJsonObject(value) ? ` (members: ${Object.keys(value).slice(0, 8).join(", ")})` : "";
  throw new ProtocolError(`a message is not JSON-RPC 1.0 (RFC 7047 §4): ${reason}${shape}`);
}

function json(value: unknown): string {
  return stringifyJson((value ?? null) as Json);
}
