import { describe, expect, test } from "vitest";
import { ProtocolError } from "../src/error.ts";
import type { Json } from "../src/json.ts";
import {
  decodeMessage,
  echoReply,
  encodeMessage,
  ErrorObject,
  errorValue,
  failure,
  JsonRpcError,
  messageKind,
  NotificationObject,
  notification,
  paramsOf,
  RequestObject,
  request,
  SuccessObject,
  success,
} from "../src/message.ts";

const decode = (text: string): ReturnType<typeof decodeMessage> => decodeMessage(JSON.parse(text) as Json);

describe("the wire, both ways", () => {
  const cases: [string, ReturnType<typeof decodeMessage>, string][] = [
    [
      "a request",
      request(1, "transact", ["db", { op: "abort" }]),
      '{"id":1,"method":"transact","params":["db",{"op":"abort"}]}',
    ],
    [
      "a request with the id that ovsdb-server uses",
      request("echo", "echo", []),
      '{"id":"echo","method":"echo","params":[]}',
    ],
    ["a notification", notification("cancel", [7]), '{"id":null,"method":"cancel","params":[7]}'],
    ["a reply", success(3, { a: [1, "ü"] }), '{"id":3,"result":{"a":[1,"ü"]},"error":null}'],
    ["a reply of null", success(3, null), '{"id":3,"result":null,"error":null}'],
    [
      "an error that is an object",
      failure(4, { error: "unknown database", details: "x" }),
      '{"id":4,"result":null,"error":{"error":"unknown database","details":"x"}}',
    ],
    ["an error that is a bare string", failure(4, "unknown method"), '{"id":4,"result":null,"error":"unknown method"}'],
    ["ids of any kind", request([1, { a: null }], "echo", []), '{"id":[1,{"a":null}],"method":"echo","params":[]}'],
  ];
  test.each(cases)("%s", (_name, message, text) => {
    expect(encodeMessage(message)).toBe(text);
    expect(decode(text)).toEqual(message);
    expect(decode(text).constructor).toBe(message.constructor);
  });

  test("nothing of JSON-RPC 2.0 goes out: ovsdb-server hangs up on members that it does not know", () => {
    for (const [, message] of cases)
      expect(Object.keys(JSON.parse(encodeMessage(message)) as object)).not.toContain("jsonrpc");
  });

  test("64-bit integers go out as bare digits", () => {
    expect(encodeMessage(request(1, "transact", ["db", 9007199254740993n]))).toBe(
      '{"id":1,"method":"transact","params":["db",9007199254740993]}',
    );
    expect(encodeMessage(success(1n << 60n, [1n << 60n]))).toBe(
      '{"id":1152921504606846976,"result":[1152921504606846976],"error":null}',
    );
  });
});

describe("messages as they come", () => {
  test("the kinds are classes of jsonrpc-lite", () => {
    expect(decode('{"id":1,"method":"echo","params":[]}')).toBeInstanceOf(RequestObject);
    expect(decode('{"method":"locked","params":["l"],"id":null}')).toBeInstanceOf(NotificationObject);
    expect(decode('{"method":"locked","params":["l"]}')).toBeInstanceOf(NotificationObject);
    expect(decode('{"id":1,"result":{}}')).toBeInstanceOf(SuccessObject);
    expect(decode('{"id":1,"error":"unknown method"}')).toBeInstanceOf(ErrorObject);
    expect([request(1, "a", []), notification("a", []), success(1, 1), failure(1, "x")].map(messageKind)).toEqual([
      "request",
      "notification",
      "success",
      "error",
    ]);
  });

  test("an error reply has no result on the wire of ovsdb-server, or null", () => {
    for (const text of [
      '{"id":7,"error":{"error":"not allowed"}}',
      '{"id":7,"result":null,"error":{"error":"not allowed"}}',
    ]) {
      const message = decode(text) as ErrorObject;
      expect(message.error).toBeInstanceOf(JsonRpcError);
      expect(message.error.message).toBe("not allowed");
      expect(errorValue(message)).toEqual({ error: "not allowed" });
    }
    expect(errorValue(decode('{"id":7,"error":"canceled"}') as ErrorObject)).toBe("canceled");
    expect(errorValue(decode('{"id":7,"error":false}') as ErrorObject)).toBe(false);
  });

  test("unknown members are ignored, null is the same as absent", () => {
    expect(decode('{"id":1,"method":"echo","params":[],"extra":1,"result":null,"error":null}')).toEqual(
      request(1, "echo", []),
    );
    expect(decode('{"id":1,"method":null,"result":5}')).toEqual(success(1, 5));
  });

  test.each([
    ["[]", "not an object"],
    ["1", "not an object"],
    ["{}", "neither a method nor an id"],
    ['{"result":1}', "neither a method nor an id"],
    ['{"id":1}', "nor a result"],
    ['{"id":null,"error":"x"}', "neither a method nor an id"],
    ['{"id":1,"result":{},"error":"x"}', "both a result and an error"],
    ['{"id":1,"method":"m","params":[],"result":1}', "both a request and a reply"],
    ['{"id":1,"method":5,"params":[]}', "not a string"],
    ['{"id":1,"method":"m"}', "not an array"],
    ['{"id":1,"method":"m","params":{}}', "not an array"],
    ['{"id":1,"method":"m","params":null}', "not an array"],
  ])("%s is none: %s", (text, reason) => {
    expect(() => decode(text)).toThrow(ProtocolError);
    expect(() => decode(text)).toThrow(reason);
  });

  test("params by name are refused before they are sent", () => {
    expect(() => encodeMessage(new RequestObject(1, "m", { a: 1 }))).toThrow(/must be an array/);
    expect(encodeMessage(new RequestObject(1, "m"))).toBe('{"id":1,"method":"m","params":[]}');
    expect(paramsOf(new RequestObject(1, "m"))).toEqual([]);
  });

  test("echo is answered with its own params and id", () => {
    expect(echoReply(request("echo", "echo", [1, "a"]))).toEqual(success("echo", [1, "a"]));
    expect(echoReply(request(1, "list_dbs", []))).toBeUndefined();
    expect(echoReply(notification("echo", []))).toBeUndefined();
  });
});
