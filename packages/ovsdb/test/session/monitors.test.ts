/** Monitors, conditions, locks and calls over lost links; the numbers are lines of the regression list. */
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/json.ts";
import { success } from "../../src/message.ts";
import { World, ZERO } from "./fake-servers.ts";

const HOST = { Host: { columns: ["name"] } };
const NAME = (name: string): { Host: Json[] } => ({ Host: [["name", "==", name]] });
const where = (world: World): Json | undefined => {
  const requests = world.asked("monitor_cond_since").at(-1)?.params[2] as { Host: [{ where?: Json }] };
  return requests.Host[0].where;
};

function followed(count = 2): World {
  const world = new World(count, { server: "any" }).start();
  world.feed({ type: "monitor", monitor: 1, tables: HOST });
  return world;
}

describe("a monitor", () => {
  it("resumes from the id in the reply, and from each update's after that (3)", () => {
    const world = followed();
    const first = world.state.monitors.get(1)?.lastId;
    expect(first).not.toBe(ZERO);
    world.kill(0);
    expect(world.asked("monitor_cond_since").at(-1)?.params[3]).toBe(first);
    world.notify("update3", [["ovnha", 1, 2], "ffffffff-0000-4000-8000-000000000001", {}]);
    world.fake(0).mode = "up";
    world.kill(1).advance(1_000);
    expect(world.asked("monitor_cond_since").at(-1)?.params[3]).toBe("ffffffff-0000-4000-8000-000000000001");
    expect(world.events.filter((event) => event === "resumed")).toHaveLength(2);
  });

  it("has several fellows, each with a resume point of its own (W2)", () => {
    const world = followed();
    world.feed({ type: "monitor", monitor: 2, tables: { Port: { columns: ["name"] } } });
    const ids = [1, 2].map((id) => world.state.monitors.get(id)?.lastId);
    expect(new Set(ids).size).toBe(2);
    world.kill(0);
    expect(
      world
        .asked("monitor_cond_since")
        .slice(-2)
        .map(({ params }) => params[3]),
    ).toEqual(ids);
  });

  it("holds updates that overtake its reply, and tells them after it, in order (1)", () => {
    const world = new World(1).start();
    world.fake(0).mute.add("monitor_cond_since");
    world.feed({ type: "monitor", monitor: 1, tables: HOST });
    world.notify("update3", [["ovnha", 1, 1], "ffffffff-0000-4000-8000-000000000001", { Host: {} }]);
    world.notify("update3", [["ovnha", 1, 1], "ffffffff-0000-4000-8000-000000000002", { Host: {} }]);
    expect(world.effects.filter(({ type }) => type === "update")).toEqual([]);
    world.reply(world.asked("monitor_cond_since")[0]?.id ?? 0, [false, ZERO, {}]);
    const told = world.effects.flatMap((effect) =>
      effect.type === "snapshot" || effect.type === "update" ? [[effect.type, effect.lastId]] : [],
    );
    expect(told).toEqual([
      ["snapshot", ZERO],
      ["update", "ffffffff-0000-4000-8000-000000000001"],
      ["update", "ffffffff-0000-4000-8000-000000000002"],
    ]);
  });

  it("falls back to older methods, one at a time", () => {
    const world = new World(1).start();
    world.fake(0).refused.add("monitor_cond_since").add("monitor_cond");
    world.feed({ type: "monitor", monitor: 1, tables: HOST });
    expect(["monitor_cond_since", "monitor_cond", "monitor"].map((method) => world.asked(method).length)).toEqual([
      1, 1, 1,
    ]);
  });

  it("is asked for again on the same link when the server cancels it, in terms of the schema as it is then (H10)", () => {
    const world = followed(1);
    const schema = '{"name":"Lab","version":"2.0.0","tables":{}}';
    Object.assign(world.fake(0).row ?? {}, { schema });
    world.notify("monitor_canceled", [["ovnha", 1, 1]]);
    expect(world.dials).toHaveLength(1);
    expect(world.asked("monitor_cond_since")).toHaveLength(2);
    expect(world.asked("monitor_cond_since").at(-1)?.params[3]).toBe(ZERO);
    expect(world.effects.filter((effect) => effect.type === "schema" && effect.changed)).toHaveLength(1);
    world.tell(0, { schema });
    expect(world.asked("monitor_cond_since")).toHaveLength(2);
  });

  it("resumes after a cancellation that left the schema alone", () => {
    const world = followed(1);
    const id = world.state.monitors.get(1)?.lastId;
    world.notify("monitor_canceled", [["ovnha", 1, 1]]);
    expect(world.asked("monitor_cond_since").at(-1)?.params[3]).toBe(id);
  });

  it("starts from nothing after a contradiction, on the same link, under another id (8)", () => {
    const world = followed(1);
    world.feed({ type: "inconsistent", monitor: 1, reason: "test" });
    expect(world.asked("monitor_cancel")[0]?.params).toEqual([["ovnha", 1, 1]]);
    expect(world.asked("monitor_cond_since").at(-1)?.params.slice(1)).toEqual([
      ["ovnha", 1, 2],
      { Host: [{ columns: ["name"] }] },
      ZERO,
    ]);
    expect(world.dials).toHaveLength(1);
  });

  it("hears nothing of `_Server` changes (12)", () => {
    const world = followed(1);
    const before = world.effects.length;
    world.tell(0, { index: 99 });
    expect(world.effects.slice(before).filter(({ type }) => type === "update" || type === "snapshot")).toEqual([]);
  });
});

describe("conditions", () => {
  it("change one at a time, the newest wish next (4)", () => {
    const world = followed(1);
    world.fake(0).mute.add("monitor_cond_change");
    for (const name of ["a", "b", "c"]) world.feed({ type: "conditions", monitor: 1, conditions: NAME(name) });
    expect(world.asked("monitor_cond_change")).toHaveLength(1);
    world.reply(world.asked("monitor_cond_change")[0]?.id ?? 0, {});
    expect(world.asked("monitor_cond_change").map(({ params }) => params[2])).toEqual([
      { Host: [{ where: NAME("a").Host }] },
      { Host: [{ where: NAME("c").Host }] },
    ]);
    world.reply(world.asked("monitor_cond_change")[1]?.id ?? 0, {});
    expect(world.effects.flatMap((effect) => (effect.type === "conditionsAcked" ? [effect.seqno] : [])).at(-1)).toBe(3);
  });

  it("that were unanswered when the link went leave no id to resume from (4)", () => {
    const world = followed();
    world.fake(0).mute.add("monitor_cond_change");
    world.feed({ type: "conditions", monitor: 1, conditions: NAME("new") });
    world.kill(0);
    expect(world.asked("monitor_cond_since").at(-1)?.params[3]).toBe(ZERO);
    expect(where(world)).toEqual(NAME("new").Host);
  });

  it("that were acknowledged go with the id they belong to, and newer ones after them (5)", () => {
    const world = followed();
    world.feed({ type: "conditions", monitor: 1, conditions: NAME("acked") });
    const id = world.state.monitors.get(1)?.lastId;
    world.fake(1).mute.add("monitor_cond_since");
    world.kill(0);
    world.feed({ type: "conditions", monitor: 1, conditions: NAME("newer") });
    expect(world.asked("monitor_cond_since").at(-1)?.params[3]).toBe(id);
    expect(where(world)).toEqual(NAME("acked").Host);
    world.reply(world.asked("monitor_cond_since").at(-1)?.id ?? 0, [true, id ?? ZERO, {}]);
    expect(world.asked("monitor_cond_change").at(-1)?.params[2]).toEqual({ Host: [{ where: NAME("newer").Host }] });
  });

  it("that are in force already need no round trip (7)", () => {
    const world = followed(1);
    world.feed({ type: "conditions", monitor: 1, conditions: { Host: [] } });
    expect(world.asked("monitor_cond_change")).toEqual([]);
    expect(world.effects.at(-1)).toMatchObject({ type: "conditionsAcked", seqno: 1 });
  });
});

describe("a call", () => {
  it("is not sent to a server that has yet to catch up (13)", () => {
    const world = followed();
    world.fake(1).mute.add("monitor_cond_since");
    world.kill(0);
    world.feed({ type: "call", token: 7, method: "transact", params: ["Lab"] });
    expect(world.asked("transact")).toEqual([]);
    expect(world.effects.at(-1)).toEqual({ type: "notReady", token: 7 });
    expect(world.state.status.state).toBe("resyncing");
    world.reply(world.asked("monitor_cond_since").at(-1)?.id ?? 0, [true, ZERO, {}]);
    expect(world.state.status.state).toBe("ready");
  });

  it("is told lost with its link, and its token never comes again", () => {
    const world = followed();
    world.feed({ type: "call", token: 1, method: "transact", params: ["Lab"] });
    world.kill(0);
    expect(world.effects.filter((effect) => effect.type === "callLost")).toMatchObject([{ token: 1 }]);
  });

  it("that is cancelled tells the server so, and its late reply nobody (R4)", () => {
    const world = followed(1);
    world.feed({ type: "call", token: 1, method: "transact", params: ["Lab"] });
    const { id } = world.asked("transact")[0] ?? { id: 0 };
    world.feed({ type: "cancel", token: 1 });
    expect(world.effects.at(-1)).toMatchObject({ type: "send", message: { method: "cancel", params: [id] } });
    world.reply(id, []);
    expect(world.effects.some((effect) => effect.type === "reply")).toBe(false);
    expect(world.active).toBe(0);
  });

  it("whose reply nobody asked for costs the server its link", () => {
    const world = followed(1);
    world.feed({ type: "message", link: world.state.active ?? 0, message: success(4_711, []) });
    expect(world.active).toBeUndefined();
    expect(world.state.status.reasons[0]?.reason).toBe("protocol");
  });
});

describe("a lock", () => {
  it("is asked for once on each link, and told lost in between (L1)", () => {
    const world = followed();
    world.feed({ type: "lock", name: "l", steal: false });
    world.feed({ type: "lock", name: "l", steal: false });
    expect(world.asked("lock")).toHaveLength(1);
    world.kill(0);
    expect(world.asked("lock")).toHaveLength(2);
    expect(world.effects.flatMap((effect) => (effect.type === "lock" ? [effect.state] : []))).toEqual([
      "owned",
      "lost",
      "owned",
    ]);
  });

  it("is stolen once; after a reconnect it is asked for politely", () => {
    const world = followed();
    world.feed({ type: "lock", name: "l", steal: true });
    world.kill(0);
    expect([world.asked("steal").length, world.asked("lock").length]).toEqual([1, 1]);
  });

  it("goes and comes back with `stolen` and `locked`", () => {
    const world = followed(1);
    world.feed({ type: "lock", name: "l", steal: false });
    world.notify("stolen", ["l"]);
    world.notify("locked", ["l"]);
    expect(world.effects.flatMap((effect) => (effect.type === "lock" ? [effect.state] : []))).toEqual([
      "owned",
      "stolen",
      "owned",
    ]);
  });
});
