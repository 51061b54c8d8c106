/**
 * What real servers answered on their control sockets, to the byte: in text, and after `set-options --format json`, which
 * 3.4 and later know. 3.7.1 sends no line end, and leaves "error" or "result" out; 3.3.9 sends both a line end and null.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type Control, unixctl } from "../../src/index.ts";

type Exchange = {
  readonly json: boolean;
  readonly method: string;
  readonly params: readonly string[];
  /** One for each request: in JSON mode the first is that of `set-options`. */
  readonly replies: readonly string[];
};

const folder = fileURLToPath(new URL("../fixtures/unixctl/", import.meta.url));
const DB = "OVN_Northbound";

/** Says what the recorded server said, in one piece or byte by byte. */
async function withRecorded(release: string, isCut: boolean, look: (control: Control) => Promise<void>): Promise<void> {
  const lines = readFileSync(join(folder, `${release}.jsonl`), "utf8")
    .trimEnd()
    .split("\n");
  const exchanges = lines.map((line) => JSON.parse(line) as Exchange);
  const dir = mkdtempSync(join(tmpdir(), "ovnha-recorded-"));
  const server = createServer((socket) => {
    let mode: number | undefined;
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      for (const text of bytes.toString("utf8").replaceAll('}{"', '}\n{"').split("\n")) {
        const { id, method, params } = JSON.parse(text) as { id: number; method: string; params: string[] };
        if (method === "set-options") {
          mode = id;
          continue;
        }
        const isSame = (one: Exchange): boolean =>
          one.json === (mode !== undefined) && one.method === method && one.params.join() === params.join();
        const replies = exchanges.find(isSame)?.replies ?? [];
        const ids = mode === undefined ? [id] : [mode, id];
        const out = replies.map((reply, at) => reply.replace(/"id":\d+/, `"id":${ids[at]}`)).join("");
        if (isCut) for (const letter of out) socket.write(letter);
        else socket.write(out);
      }
    });
  });
  const path = join(dir, "ctl");
  await new Promise<void>((resolve) => server.listen(path, resolve));
  try {
    await look(unixctl(path, { timeoutMs: 5_000 }));
  } finally {
    server.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

const RELEASES = readdirSync(folder).map((name) => basename(name, ".jsonl"));

describe.each(RELEASES)("the control socket of %s", (release) => {
  it.each([false, true])("gives the same in text and in JSON mode (byte by byte: %s)", (isCut) =>
    withRecorded(release, isCut, async (control) => {
      const status = await control.status(DB);
      expect(status).toMatchObject({ type: "status", status: { name: DB, role: "leader", unknownLines: [] } });
      expect(await control.listDatabases()).toEqual([DB, "_Server"]);
      expect(await control.storageStatus(DB)).toEqual({ ok: true, text: "ok" });
      expect(await control.version()).toBe(`ovsdb-server (Open vSwitch) ${release}`);
      expect((await control.memory())["raft-log"]).toBe(1);
      expect(await control.listCommands()).toContainEqual({ name: "cluster/kick", usage: "DB SERVER" });
      for (const [command, ...args] of [["cluster/sid", DB], ["ovsdb-server/list-dbs"], ["version"], ["memory/show"]]) {
        const text = await control.call(command ?? "", args);
        expect(await control.callJson(command ?? "", args)).toEqual({ type: "text", text });
      }
      expect(await control.callJson("list-commands")).toMatchObject(
        release === "3.7.1" ? { type: "json", value: { "cluster/kick": "DB SERVER" } } : { type: "text" },
      );
      for (const call of [control.call.bind(control), control.callJson.bind(control)]) {
        await expect(call("cluster/sid", ["Nowhere"])).rejects.toMatchObject({ code: "UNKNOWN_CLUSTER" });
        await expect(call("no/such")).rejects.toMatchObject({ code: "UNKNOWN_COMMAND" });
        await expect(call("cluster/status")).rejects.toMatchObject({
          code: "REFUSED",
          text: '"cluster/status" command requires at least 1 arguments',
        });
      }
    }),
  );
});
