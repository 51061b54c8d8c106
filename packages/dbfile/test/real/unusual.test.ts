/** Unusual records, judged by ovsdb-tool: what the tests without it expect is what it says. */
import { once } from "node:events";
import { createHash } from "node:crypto";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { realOvs, removeFolder, startStandalone, temporaryFolder } from "@ovnha/testkit";
import { compact, createCluster, createStandalone, inspect, replay } from "../../src/index.ts";
import { ovsdbTool, toolRows } from "../support/oracle.ts";
import { SCHEMA } from "../support/samples.ts";
import { UNUSUAL, WITHOUT_LINE_FEED } from "../support/unusual.ts";

describe.skipIf(realOvs() === "skip")("unusual records", () => {
  let folder: string;
  beforeAll(() => {
    folder = temporaryFolder();
  });
  afterAll(() => removeFolder(folder));

  const namesOf = async (file: string): Promise<unknown[]> =>
    Object.values((await toolRows(file))["Animal"] ?? {})
      .map(({ name }) => JSON.parse(name?.[0] ?? "null") as unknown)
      .sort();

  test("ovsdb-tool takes and refuses what we say it does", async () => {
    const file = join(folder, "unusual.db");
    for (const { what, bytes, names } of UNUSUAL) {
      writeFileSync(file, bytes);
      if (names !== undefined) expect(await namesOf(file), what).toEqual(names);
      else expect((await ovsdbTool("query", file, '["Zoo"]')).code, what).toBe(1);
    }
    writeFileSync(file, WITHOUT_LINE_FEED);
    expect(await namesOf(file)).toEqual(["bee"]);
  });

  test("a server writes what a client says in a comment, UTF-8 or not, and all behind it is read", async () => {
    const { path } = await createStandalone({ path: join(folder, "comments.db"), schema: SCHEMA });
    await using server = await startStandalone({ databaseFiles: [path], listen: "unix" });
    const socket = connect(server.unix.replace(/^unix:/, ""));
    await once(socket, "connect");
    for (const [name, comment] of [
      ["ant", "run set \xe9\\udc00"],
      ["bee", "plain"],
    ]) {
      const insert = `{"op":"insert","table":"Animal","row":{"name":"${name}"}}`;
      const call = `{"method":"transact","id":1,"params":["Zoo",${insert},{"op":"comment","comment":"${comment}"}]}`;
      socket.write(Buffer.from(call, "latin1"));
      let answer = "";
      while (!answer.includes('"result"')) answer += String((await once(socket, "data"))[0]);
      expect(answer).toContain('"error":null');
    }
    socket.destroy();
    expect(await inspect(path)).toMatchObject({ damage: undefined, refusal: undefined, transactions: 2 });
    const { content } = await replay(path);
    expect([...(content.tables.get("Animal") ?? [])].map(({ name }) => name)).toEqual(["ant", "bee"]);
  });

  test("a comment that is not UTF-8 keeps its bytes when a member's file is compacted", async () => {
    const { path } = await createCluster({
      path: join(folder, "member.db"),
      schema: SCHEMA,
      localAddress: "tcp:127.0.0.1:6644",
    });
    const comment = Buffer.from('"_comment":"ant \xff\xc3"', "latin1");
    const id = "eeeeeeee-0000-4000-8000-000000000002";
    const body = Buffer.concat([
      Buffer.from(`{"eid":"${id}","data":[null,{"Animal":{},`),
      comment,
      Buffer.from(',"_date":1700000000000}],"term":1,"index":2}\n'),
    ]);
    const sha1 = createHash("sha1").update(body).digest("hex");
    appendFileSync(path, Buffer.concat([Buffer.from(`OVSDB CLUSTER ${body.length} ${sha1}\n`), body]));
    const { path: compacted } = await compact({ source: path, target: join(folder, "compacted.db") });
    expect(readFileSync(compacted).includes(comment)).toBe(true);
    expect(await inspect(compacted)).toMatchObject({ damage: undefined, logEnd: 3, lastEid: id });
    expect((await ovsdbTool("check-cluster", compacted)).code).toBe(0);
  });
});
