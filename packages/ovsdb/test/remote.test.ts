import fc from "fast-check";
import { isIP } from "node:net";
import { describe, expect, test } from "vitest";
import { ValueError } from "../src/error.ts";
import { type Endpoint, formatEndpoint, isIpv6, isPassive, parseEndpoint, parseRemotes } from "../src/remote.ts";

const UUID = "7a1b2c3d-0000-4000-8000-000000000001";

describe("one remote", () => {
  const cases: [string, Endpoint, string?][] = [
    ["tcp:10.0.0.1:6641", { kind: "tcp", host: "10.0.0.1", port: 6641 }],
    ["tcp:10.0.0.1", { kind: "tcp", host: "10.0.0.1", port: 6640 }, "tcp:10.0.0.1:6640"],
    ["ssl:ovn-central-0.ovn_db.svc:6642", { kind: "ssl", host: "ovn-central-0.ovn_db.svc", port: 6642 }],
    ["tcp:[::1]:6641", { kind: "tcp", host: "::1", port: 6641 }],
    ["ssl:[2001:db8::1]", { kind: "ssl", host: "2001:db8::1", port: 6640 }, "ssl:[2001:db8::1]:6640"],
    ["tcp:[fe80::1%eth0]:6641", { kind: "tcp", host: "fe80::1%eth0", port: 6641 }],
    ["tcp:2001:db8::1", { kind: "tcp", host: "2001:db8::1", port: 6640 }, "tcp:[2001:db8::1]:6640"],
    ["unix:/run/ovn/ovnnb_db.sock", { kind: "unix", path: "/run/ovn/ovnnb_db.sock" }],
    ["unix:relative,with comma:and colon", { kind: "unix", path: "relative,with comma:and colon" }],
    ["ptcp:", { kind: "ptcp", port: 6640 }, "ptcp:6640"],
    ["ptcp:6641", { kind: "ptcp", port: 6641 }],
    ["ptcp:0:127.0.0.1", { kind: "ptcp", port: 0, host: "127.0.0.1" }],
    ["pssl::[::]", { kind: "pssl", port: 6640, host: "::" }, "pssl:6640:[::]"],
    ["punix:/tmp/s", { kind: "punix", path: "/tmp/s" }],
  ];
  test.each(cases)("%s", (text, endpoint, canonical = text) => {
    expect(parseEndpoint(text)).toEqual(endpoint);
    expect(formatEndpoint(endpoint)).toBe(canonical);
    expect(parseEndpoint(canonical)).toEqual(endpoint);
    expect(isPassive(endpoint)).toBe(text.startsWith("p"));
  });

  test.each([
    ["10.0.0.1:6641", "none of tcp:HOST:PORT"],
    ["/run/x.sock", "write unix:/run/x.sock"],
    ["TCP:10.0.0.1", "write tcp:10.0.0.1"],
    ["pfd:3", "none of"],
    ["tcp:", "host is missing"],
    ["tcp::6641", "host is missing"],
    ["tcp:10.0.0.300:6641", "not an IPv4 address"],
    ["tcp:10.0.0:6641", "not an IPv4 address"],
    ["tcp:host:0", "not a port from 1"],
    ["tcp:host:65536", "not a port"],
    ["tcp:host:", "not a port"],
    ["tcp:host:6641,host2:6641", "write tcp:[ADDRESS]:PORT"],
    ["tcp:host:6641,", "must start with its kind"],
    ["tcp:[::1:6641", "needs brackets"],
    ["tcp:[10.0.0.1]:6641", "not an IPv6 address"],
    ["tcp:[fe80::1%]:6641", "not an IPv6 address"],
    ["tcp:a b:1", "not a host name"],
    ["tcp:1:2:3:4", "needs brackets"],
    ["unix:", "path is missing"],
    ["ptcp:6640:somehost", "not an IP address"],
    ["ptcp:x", "not a port from 0"],
  ])("%s is refused: %s", (text, reason) => {
    expect(() => parseEndpoint(text)).toThrow(ValueError);
    expect(() => parseEndpoint(text)).toThrow(reason);
    expect(() => parseEndpoint(text)).toThrow(text);
  });
});

describe("lists", () => {
  test("commas, blanks, a cluster id, repetitions", () => {
    expect(parseRemotes(`tcp:10.0.0.1:6641, ssl:[::1]:6641,\tunix:/x,y,cid:${UUID},tcp:10.0.0.1:6641`)).toEqual({
      endpoints: [
        { kind: "tcp", host: "10.0.0.1", port: 6641 },
        { kind: "ssl", host: "::1", port: 6641 },
        { kind: "unix", path: "/x,y" },
      ],
      cid: UUID,
    });
    expect(parseRemotes(["tcp:a:1,tcp:b:1", "tcp:c:1"]).endpoints.map(formatEndpoint)).toEqual([
      "tcp:a:1",
      "tcp:b:1",
      "tcp:c:1",
    ]);
    expect(parseRemotes("tcp:a:1")).not.toHaveProperty("cid");
  });

  test.each([
    ["", "names no server"],
    [`cid:${UUID}`, "names no server"],
    ["tcp:a:1,cid:7a1b", "not a cluster id"],
    [`tcp:a:1,cid:${UUID},cid:7a1b2c3d-0000-4000-8000-000000000002`, "another cluster id"],
    ["tcp:a:1,10.0.0.2:6641", 'remote "tcp:a:1,10.0.0.2:6641"'],
    ["tcp:a:1,udp:b:1", 'remote "udp:b:1"'],
  ])("%j is refused: %s", (text, reason) => {
    expect(() => parseRemotes(text)).toThrow(reason);
  });
});

test("IPv6 addresses are those that Node.js takes for one", () => {
  const group = fc.oneof(
    fc.constantFrom("", "0", "ffff", "10000", "g", "1.2.3.4", "1.2.3.256"),
    fc.integer({ min: 0, max: 0xffff }).map((number) => number.toString(16)),
  );
  const text = fc.oneof(
    fc.ipV6(),
    fc.array(group, { maxLength: 9 }).map((groups) => groups.join(":")),
  );
  fc.assert(
    fc.property(text, (address) => isIpv6(address) === (isIP(address) === 6)),
    { numRuns: 2000, examples: [["1.2.3.4::"], ["::1.2.3.4"], ["1::1.2.3.4"], ["1.2.3.4::1.2.3.4"]] },
  );
});
