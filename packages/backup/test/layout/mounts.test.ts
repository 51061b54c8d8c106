import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { judgeMount, mountOf, parseMounts } from "../../src/index.ts";

const TABLE = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:21 / /run rw,nosuid - tmpfs tmpfs rw,size=800M
24 22 254:16 /data /etc/with\\040blank rw - xfs /dev/vdb rw
25 22 0:30 / /var/lib/ovn ro,relatime master:7 - overlay overlay rw,lowerdir=/a
26 22 254:32 / /mnt rw - ext4 /dev/vdc ro
27 22 0:40 / /srv rw - nfs4 server:/export rw
a line that is none
`;

describe("mountinfo", () => {
  const mounts = parseMounts(TABLE);
  test("every line with its fields, escapes taken back, other lines passed over", () => {
    expect(mounts).toHaveLength(6);
    expect(mounts[2]).toEqual({
      id: 24,
      parentId: 22,
      mountPoint: "/etc/with blank",
      root: "/data",
      type: "xfs",
      source: "/dev/vdb",
      readOnly: false,
    });
    expect(mounts[3]?.readOnly).toBe(true);
    expect(mounts[4]?.readOnly).toBe(true);
  });

  test.each([
    ["/", "/"],
    ["/run", "/run"],
    ["/running", "/"],
    ["/run/ovn/x", "/run"],
    ["/etc/with blank/db", "/etc/with blank"],
    ["/var/lib", "/"],
    ["/var/lib/ovn", "/var/lib/ovn"],
  ])("%s lies on %s", (path, mountPoint) => {
    expect(mountOf(path, mounts)?.mountPoint).toBe(mountPoint);
  });

  test("of two on one place, the later covers the earlier", () => {
    const both = parseMounts(`${TABLE}30 23 0:50 / /run rw - ext4 /dev/vdd rw\n`);
    expect(mountOf("/run/ovn", both)?.type).toBe("ext4");
  });

  test.each([
    ["/run", "volatile"],
    ["/var/lib/ovn", "volatile"],
    ["/mnt", "read-only"],
    ["/srv", "network"],
    ["/", "persistent"],
  ])("%s is %s", (path, kind) => {
    const mount = mountOf(path, mounts);
    expect(mount === undefined ? undefined : judgeMount(mount).kind).toBe(kind);
  });

  test("any text is parsed without an error", () => {
    fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (text) => void parseMounts(text)));
  });
});
