/** `/proc/self/mountinfo` (proc_pid_mountinfo(5)): on what file system a folder lies. */

export interface Mount {
  readonly id: number;
  readonly parentId: number;
  /** Where it is mounted. */
  readonly mountPoint: string;
  /** The folder of the file system that is seen there; not `/` for a bind mount. */
  readonly root: string;
  readonly type: string;
  readonly source: string;
  readonly readOnly: boolean;
}

/** Gone after a reboot, or after the container is replaced. */
const VOLATILE: Readonly<Record<string, string>> = {
  tmpfs: "lies in memory",
  ramfs: "lies in memory",
  devtmpfs: "lies in memory",
  rootfs: "lies in memory",
  overlay: "is the writable layer of a container or of a live image",
  overlayfs: "is the writable layer of a container or of a live image",
  aufs: "is the writable layer of a container or of a live image",
};

/** Locks and fsync of these depend on the server; ovsdb-server relies on both. */
const NETWORK = new Set(["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.glusterfs", "ceph", "fuse.sshfs"]);

export type MountKind = "persistent" | "volatile" | "network" | "read-only";

/** How far a mount keeps what is written to it, with the reason in words. */
export function judgeMount(mount: Mount): { readonly kind: MountKind; readonly reason: string } {
  const volatile = Object.hasOwn(VOLATILE, mount.type) ? VOLATILE[mount.type] : undefined;
  if (volatile !== undefined)
    return { kind: "volatile", reason: `${mount.type}, mounted on ${mount.mountPoint}, ${volatile}` };
  if (mount.readOnly)
    return { kind: "read-only", reason: `${mount.type}, mounted on ${mount.mountPoint}, is read-only` };
  if (NETWORK.has(mount.type))
    return { kind: "network", reason: `${mount.type}, mounted on ${mount.mountPoint}, is a network file system` };
  return { kind: "persistent", reason: `${mount.type}, mounted on ${mount.mountPoint}` };
}

/** Blanks, tabs, line feeds and backslashes are written as three octal digits. Bytes are UTF-8. */
function unescapeOctal(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\([0-7]{3})/g, (_whole, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Lines that are none are passed over: a kernel may add fields, and never takes one away. */
export function parseMounts(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split("\n")) {
    const [before, after] = line.split(" - ", 2);
    const [id, parentId, , root, mountPoint, options] = before?.split(" ") ?? [];
    const [type, source, superOptions] = after?.split(" ") ?? [];
    if (mountPoint === undefined || root === undefined || options === undefined || type === undefined) continue;
    mounts.push({
      id: Number(id),
      parentId: Number(parentId),
      mountPoint: unescapeOctal(mountPoint),
      root: unescapeOctal(root),
      type,
      source: unescapeOctal(source ?? ""),
      readOnly: options.split(",").includes("ro") || (superOptions ?? "").split(",").includes("ro"),
    });
  }
  return mounts;
}

/** The mount that a path without symbolic links lies on: the longest mount point before it, of equal ones the last mounted. */
export function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  let best: Mount | undefined;
  for (const mount of mounts) {
    const at = mount.mountPoint;
    if (at !== "/" && path !== at && !path.startsWith(`${at}/`)) continue;
    if (best === undefined || at.length >= best.mountPoint.length) best = mount;
  }
  return best;
}
