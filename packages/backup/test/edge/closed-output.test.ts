/** Whoever reads the output may go away, as head(1) does: the command still comes to its end, and ends with its own status. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { removeFolder, temporaryFolder } from "@ovnha/testkit";
import { afterAll, expect, test } from "vitest";

const folder = temporaryFolder();
afterAll(() => removeFolder(folder));

test("a verdict that nobody reads is in the exit status", async () => {
  const file = join(folder, "damaged.db");
  writeFileSync(file, "not a database");
  const program = fileURLToPath(new URL("../../src/edge/cli/ovn-backup.ts", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=ovnha-source", "--import", "tsx", program, "verify", file], {
    cwd: fileURLToPath(new URL("../../../..", import.meta.url)),
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.destroy();
  let err = "";
  child.stderr.on("data", (chunk) => {
    err += String(chunk);
  });
  const [status] = await once(child, "close");
  expect({ status, err }).toEqual({ status: 1, err: "" });
});
