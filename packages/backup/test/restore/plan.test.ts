import { describe, expect, test } from "vitest";
import {
  findProfile,
  formatPlan,
  formatPlanMarkdown,
  initialState,
  HERE,
  isRefused,
  type MemberDatabaseFacts,
  planMember,
  planRestore,
  type RestoreFacts,
  type RestorePlan,
  type SourceFacts,
} from "../../src/index.ts";
import { stateText } from "../../src/edge/cli/restore-output.ts";
import { DOWN, makeCluster, makeFacts, makeOptions, NOW_MS, SOURCE, sidOf, up } from "./scene.ts";

const ids = (plan: RestorePlan): string[] => plan.steps.map(({ id }) => id);
const codes = (plan: RestorePlan): string[] => plan.findings.map(({ severity, code }) => `${severity} ${code}`);
const SB: SourceFacts = { ...SOURCE, database: "sb", databaseName: "OVN_Southbound", path: "/backup/sb.db" };

describe("the plan for a lost cluster", () => {
  test("on plain hosts: everything is prepared before anything is stopped, everything moved away before anything is placed", () => {
    const plan = planRestore(makeCluster(), makeFacts(), makeOptions());
    expect(codes(plan)).toEqual([]);
    expect(ids(plan)).toEqual([
      ..."preflight.here preflight.n1 preflight.n2 preflight.n3 convert.nb create.nb join.nb.n2 join.nb.n3".split(" "),
      ..."stop.nb.n1 stop.nb.n2 stop.nb.n3 keep.nb.n1 keep.nb.n2 keep.nb.n3 move.nb.n1 move.nb.n2 move.nb.n3".split(
        " ",
      ),
      ..."place.nb.n1 start.nb.n1 compare.nb place.nb.n2 start.nb.n2 place.nb.n3 start.nb.n3 verify.nb backup clients".split(
        " ",
      ),
    ]);
    expect(plan.steps.find(({ id }) => id === "place.nb.n1")?.actions.at(-1)).toMatchObject({
      owner: { user: "ovn" },
      mode: 0o600,
    });
    const join = plan.steps.find(({ id }) => id === "join.nb.n3")?.actions[0];
    expect(join).toMatchObject({ remotes: ["tcp:10.0.0.1:6643", "tcp:10.0.0.2:6643"], address: "tcp:10.0.0.3:6643" });
  });

  test("of a pair: the southbound one begins when the northbound one stands", () => {
    const plan = planRestore(makeCluster(), makeFacts(undefined, [SOURCE, SB]), makeOptions());
    expect(codes(plan)).toEqual([]);
    expect(ids(plan).indexOf("place.sb.n1")).toBeGreaterThan(ids(plan).indexOf("verify.nb"));
    expect(plan.steps.find(({ id }) => id === "compare.sb")?.actions[0]).toMatchObject({ strict: false });
  });

  test("of Kube-OVN: the platform stops and starts all, the first host gets a standalone file, owned by nobody", () => {
    const missing = (): MemberDatabaseFacts => ({ ...DOWN, file: undefined });
    const profile = findProfile("kube-ovn");
    const plan = planRestore(makeCluster(profile), makeFacts(missing), makeOptions({ rebuildSouthbound: true }));
    expect(codes(plan)).toEqual(Array(6).fill("note OWNER_UNKNOWN"));
    expect(ids(plan).filter((id) => !/preflight|keep|move/.test(id))).toEqual([
      ..."convert.nb freeze stop.all place.nb.n1 leave.nb.n2 leave.nb.n3 leave.sb.n1 leave.sb.n2 leave.sb.n3".split(
        " ",
      ),
      ..."start.all verify.nb compare.nb backup thaw clients".split(" "),
    ]);
    expect(ids(plan)).toContain("move.sb.n3");
    const place = plan.steps.find(({ id }) => id === "place.nb.n1")?.actions.at(-1);
    expect(place).toMatchObject({
      from: "/work dir/nb.standalone.db",
      to: "/etc/origin/ovn/ovnnb_db.db",
      mode: 0o600,
      owner: { user: "65534", group: "65534" },
    });
    const moved = plan.steps
      .find(({ id }) => id === "move.nb.n2")
      ?.actions.flatMap((action) => (action.kind === "move" ? [action.from] : []));
    expect(moved).toEqual([
      "/etc/origin/ovn/.ovnnb_db.db.~lock~",
      "/etc/origin/ovn/ovnnb_db.hdr",
      "/etc/origin/ovn/ovnnb_db.db",
    ]);
  });

  test("from a member's own file, which is fetched once all are stopped", () => {
    const source: SourceFacts = { ...SOURCE, at: "n2", path: "/var/lib/ovn/ovnnb_db.db", kind: "clustered file" };
    const plan = planRestore(makeCluster(), makeFacts(undefined, [source]), makeOptions({ copies: false }));
    const order = ids(plan);
    expect(order.indexOf("fetch.nb")).toBeGreaterThan(order.indexOf("stop.nb.n3"));
    expect(order.indexOf("fetch.nb")).toBeLessThan(order.indexOf("move.nb.n1"));
    expect(order.some((id) => id.startsWith("keep."))).toBe(false);
  });

  const changed = (change: Partial<SourceFacts>): SourceFacts[] => [{ ...SOURCE, ...change }];
  const one = (change: Partial<MemberDatabaseFacts>) =>
    makeFacts((name) => (name === "n2" ? { ...DOWN, ...change } : DOWN));
  const unreachable: RestoreFacts = {
    ...makeFacts(),
    members: [
      ...makeFacts().members.slice(0, 2),
      { name: "n3", where: "ssh n3", reachable: false, reason: "no route" },
    ],
  };
  test.each<[string, RestoreFacts, string[]]>([
    ["never verified", makeFacts(undefined, changed({ verifiedMs: undefined })), ["refuse SOURCE_UNVERIFIED"]],
    ["damaged", makeFacts(undefined, changed({ problems: ["its hash differs"] })), ["refuse SOURCE_DAMAGED"]],
    ["old", makeFacts(undefined, changed({ takenMs: NOW_MS - 25 * 3_600_000 })), ["refuse SOURCE_OLD"]],
    ["from tomorrow", makeFacts(undefined, changed({ takenMs: NOW_MS + 25 * 3_600_000 })), ["warn SOURCE_OLD"]],
    [
      "of another database",
      makeFacts(undefined, changed({ databaseName: "Open_vSwitch" })),
      ["refuse SOURCE_MISMATCH"],
    ],
    ["of a kicked server", makeFacts(undefined, changed({ left: true })), ["refuse SOURCE_LEFT"]],
    ["with an uncertain tail", makeFacts(undefined, changed({ uncommitted: 3 })), ["warn SOURCE_UNCOMMITTED"]],
    ["with an older schema", makeFacts(undefined, changed({ schemaVersion: "6.9.0" })), ["warn SCHEMA_OLD"]],
    ["with a newer schema", makeFacts(undefined, changed({ schemaVersion: "7.10.0" })), ["warn SCHEMA_NEW"]],
    ["none", makeFacts(undefined, []), ["refuse SOURCE_MISMATCH"]],
    [
      "two that were not taken together",
      makeFacts(undefined, [SOURCE, { ...SB, setId: "other" }]),
      ["refuse PAIR_APART"],
    ],
    ["good, a member out of reach", unreachable, ["refuse MEMBER_UNREACHABLE"]],
    ["good, no folder", one({ folder: "missing" }), ["refuse FOLDER"]],
    ["good, a folder of others", one({ folder: "not writable" }), ["refuse FOLDER"]],
    ["good, no room", one({ freeBytes: 2999 }), ["refuse SPACE"]],
    ["good, room enough", one({ freeBytes: 3000 }), []],
    ["good, a lock that cannot be seen", one({ lock: "unknown" }), ["refuse LOCK_UNKNOWN"]],
    [
      "good, the cluster alive",
      makeFacts((name) => up(name)),
      ["refuse STILL_ALIVE", "warn SOURCE_BEHIND", "warn SOURCE_BEHIND", "warn SOURCE_BEHIND"],
    ],
    ["good, one of three alive", makeFacts((name) => (name === "n1" ? up(name) : DOWN)), ["warn SOURCE_BEHIND"]],
    ["good, no room to work", { ...makeFacts(), workFreeBytes: 3 }, ["refuse SPACE"]],
  ])("a source: %s", (_what, facts, expected) => {
    const plan = planRestore(makeCluster(), facts, makeOptions());
    expect(codes(plan)).toEqual(expected);
    expect(isRefused(plan)).toBe(expected.some((code) => code.startsWith("refuse")));
    for (const { severity, code, remedy } of plan.findings)
      if (severity === "refuse" && remedy.includes("--accept"))
        expect(isRefused(planRestore(makeCluster(), facts, makeOptions({ accept: [code] })))).toBe(false);
  });

  test("two members at one address, an even number, no commands", () => {
    const cluster = makeCluster();
    const [first, second] = cluster.members;
    if (first === undefined || second === undefined) throw new Error("two members are wanted");
    const bare = { ...first.databases.nb, stop: [] };
    const members = [
      { ...first, databases: { nb: bare, sb: bare } },
      { ...second, addresses: first.addresses },
    ];
    const facts = { ...makeFacts(), members: makeFacts().members.slice(0, 2) };
    expect(codes(planRestore({ ...cluster, members }, facts, makeOptions()))).toEqual([
      "refuse ADDRESS",
      "warn MEMBER_COUNT",
      "refuse NO_COMMANDS",
    ]);
  });
});

describe("the plan for one member", () => {
  const facts = makeFacts((name) => (name === "n3" ? { ...DOWN, fileSid: sidOf("n3") } : up(name)));
  test("removes its full id through the leader, and cannot be undone from there on", () => {
    const plan = planMember(makeCluster(), facts, "n3", ["nb"], makeOptions());
    expect(codes(plan)).toEqual(["note POINT_OF_NO_RETURN"]);
    expect(ids(plan)).toEqual(
      `preflight.n3 join.nb.n3 stop.nb.n3 keep.nb.n3 remove.nb.${sidOf("n3")} move.nb.n3 place.nb.n3 start.nb.n3 verify.nb backup`.split(
        " ",
      ),
    );
    const remove = plan.steps.find(({ phase }) => phase === "remove");
    expect(remove).toMatchObject({ host: "n1", undo: { kind: "impossible" } });
    expect(remove?.actions[0]).toMatchObject({
      command: ["ovs-appctl", "-t", "/var/run/ovn/ovnnb_db.ctl", "cluster/kick", "OVN_Northbound", sidOf("n3")],
    });
  });
  test.each<[string, RestoreFacts, string]>([
    ["nobody leads", makeFacts((name) => (name === "n2" ? up(name) : DOWN)), "refuse NO_QUORUM"],
    ["too few are connected", makeFacts((name) => (name === "n1" ? up(name) : DOWN)), "refuse NO_QUORUM"],
    [
      "the others are of two clusters",
      makeFacts((name) =>
        name === "n3"
          ? DOWN
          : { ...up(name), server: { ...(up(name).server as never as object), cid: sidOf(name) } as never },
      ),
      "refuse NO_QUORUM",
    ],
    ["it is connected itself", makeFacts((name) => up(name)), "refuse STILL_ALIVE"],
  ])("is refused if %s", (_what, found, code) => {
    expect(codes(planMember(makeCluster(), found, "n3", ["nb"], makeOptions()))).toContain(code);
  });
  test("is refused for a member that there is not", () => {
    expect(() => planMember(makeCluster(), facts, "n9", ["nb"], makeOptions())).toThrow(
      /no member "n9"; name one of n1, n2, n3/,
    );
  });
});

describe("a plan in print", () => {
  const nasty = "x\n\u001b[31m`|*'$(x)";
  const plan = planRestore(
    makeCluster(undefined, ["n1", nasty, "n3"]),
    makeFacts(undefined, undefined, ["n1", nasty, "n3"]),
    makeOptions(),
  );
  test("has every step, path and id, and no name breaks a line or drives a terminal", () => {
    const text = formatPlan(plan);
    expect(text.match(/^ {1,2}\d+\. /gm)).toHaveLength(plan.steps.length);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is what is tested.
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(text).toContain("d0000000-0000-4000-8000-000000000000");
    expect(text).toContain("/var/lib/ovn/ovnha-restore-0a0b0c0d/old");
    expect(formatPlan(plan, { brief: true }).length).toBeLessThan(text.length / 2);
  });
  test("says that nothing was changed only where nothing is, and shows what is left to a person as theirs", () => {
    const good = planRestore(makeCluster(), makeFacts(), makeOptions());
    const steps = new Map(good.steps.map(({ id }) => [id, "done" as const]));
    const state = { ...initialState(good), steps, closed: "restored" as const };
    expect(formatPlan(good)).toMatch(/\n\nNothing was changed\. To carry it out: --execute\.\n$/);
    const after = formatPlan(good, { state, brief: true, ending: "none" });
    expect(after).not.toContain("Nothing was changed");
    expect(after).toMatch(/\[yours\] Reset the \d kinds of clients/);
    expect(good.clients.length).toBeGreaterThan(0);
    expect(after.match(/^ +run {4}.*-cluster-state-reset.*#/gm)?.length).toBeGreaterThan(0);
    expect(after.match(/\[done\]/g)).toHaveLength(good.steps.length - 1);
    expect(stateText(good, state)).toMatch(/It is restored/);
    expect(stateText(good, { ...state, closed: undefined })).toMatch(/not finished; resume it/);
  });
  test("as Markdown keeps its tables and lists whole", () => {
    const lines = formatPlanMarkdown(plan).split("\n");
    expect(lines.filter((line) => /^\d+\. /.test(line))).toHaveLength(plan.steps.length);
    const table = lines.filter((line) => line.startsWith("|"));
    expect(table).toHaveLength(5);
    for (const line of table) expect(line.replace(/\\\|/g, "").split("|")).toHaveLength(6);
  });
  test("as JSON is what it was", () => {
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
    expect(plan.steps.every(({ host }) => host === HERE || ["n1", nasty, "n3"].includes(host))).toBe(true);
  });
});
