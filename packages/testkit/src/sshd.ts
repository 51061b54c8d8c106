/** A real sshd on the loopback interface, with keys and configuration of its own, for tests of what runs over ssh. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { freePort, removeFolder, runCommand, startProcess, temporaryFolder } from "./processes.ts";
import { waitFor } from "./wait-for.ts";

/** sshd wants to be started by its whole path. */
const SSHD = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"];
/** Where sshd goes with what it does not trust yet, if root has started it; systemd or a start script makes it elsewhere. */
const EMPTY_FOLDER = "/run/sshd";

export interface Sshd extends AsyncDisposable {
  /** In the form of `sshRunner` of `@ovnha/runner`, and of a cluster's description. */
  readonly target: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly identityFile: string;
    readonly options: Readonly<Record<string, string>>;
  };
  /** What sshd has written. */
  log(): string;
  /** Ends it; connections that are open end with it. */
  kill(): Promise<void>;
}

/** Undefined where OpenSSH is not installed, or where this user may not start it. */
export async function startSshd(): Promise<Sshd | undefined> {
  const folder = temporaryFolder();
  const inside = (name: string): string => join(folder, name);
  try {
    for (const name of ["host", "client"])
      await runCommand("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", inside(name)]);
    if (process.getuid?.() === 0) mkdirSync(EMPTY_FOLDER, { recursive: true, mode: 0o755 });
  } catch {
    removeFolder(folder);
    return undefined;
  }
  const port = await freePort();
  const [type, key] = readFileSync(inside("host.pub"), "utf8").split(" ");
  writeFileSync(inside("known_hosts"), `[127.0.0.1]:${port} ${type} ${key}\n`);
  const config = {
    Port: port,
    ListenAddress: "127.0.0.1",
    HostKey: inside("host"),
    AuthorizedKeysFile: inside("client.pub"),
    PidFile: "none",
    StrictModes: "no",
    PasswordAuthentication: "no",
    KbdInteractiveAuthentication: "no",
    PermitRootLogin: "prohibit-password",
    UsePAM: "no",
    // Bash takes itself for nested, and reads no file of this user's, which may be slow and may write.
    SetEnv: "SHLVL=2",
    MaxSessions: 50,
    MaxStartups: 50,
  };
  const text = Object.entries(config).map(([name, value]) => `${name} ${value}\n`);
  writeFileSync(inside("config"), text.join(""));
  for (const program of SSHD) {
    const child = startProcess(program, ["-D", "-e", "-f", inside("config")], inside("log"));
    const ended = new Promise<void>((resolve) => {
      for (const event of ["exit", "error"]) child.once(event, () => resolve());
    });
    let isOver = false;
    void ended.then(() => {
      isOver = true;
    });
    await waitFor(async () => isOver || (await answers(port)), { what: "sshd" });
    if (isOver) continue;
    const kill = async (): Promise<void> => {
      child.kill("SIGTERM");
      await ended;
    };
    return {
      target: {
        host: "127.0.0.1",
        port,
        user: userInfo().username,
        identityFile: inside("client"),
        options: {
          UserKnownHostsFile: inside("known_hosts"),
          StrictHostKeyChecking: "yes",
          IdentitiesOnly: "yes",
        },
      },
      log: () => readFileSync(inside("log"), "utf8"),
      kill,
      [Symbol.asyncDispose]: async () => {
        await kill();
        removeFolder(folder);
      },
    };
  }
  removeFolder(folder);
  return undefined;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port });
    socket.once("data", () => {
      resolve(true);
      socket.destroy();
    });
    socket.once("error", () => resolve(false));
  });
}
