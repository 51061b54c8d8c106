import { describe, expect, it } from "vitest";
import { addressFault } from "../src/address.ts";

describe("addresses of members", () => {
  it.each([
    "tcp:10.0.0.1:6643",
    "tcp:[10.0.0.1]:6643",
    "ssl:[fd2e::81]:9643",
    "tcp:[fe80::1%eth0]:6643",
    "tcp:ovn-ovsdb-sb-0.example.svc.cluster.local:6644",
    "unix:/run/ovn/raft.sock",
  ])("takes %s, as ovsdb-tool does", (address) => expect(addressFault(address)).toBeUndefined());

  it.each([
    ["tcp:10.0.0.1", "form"],
    ["tcp:[]:6643", "form"],
    ["tcp:[1.2.3]:6643", "not an IP address"],
    ["tcp:[localhost]:6643", "form"],
    ["tcp:10.0.0.300:6643", "not an IPv4 address"],
    ["tcp:10.0.0.1:0", "port 0"],
    ["tcp:10.0.0.1:65536", "port 65536"],
    ["udp:10.0.0.1:6643", "form"],
  ])("refuses %s", (address, why) => expect(addressFault(address)).toContain(why));
});
