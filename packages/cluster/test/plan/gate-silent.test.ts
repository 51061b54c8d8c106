/** The gate where one says that it has no cluster, and the others say nothing. */
import { describe, expect, it } from "vitest";
import { assess, emptyHistory, gate, remember } from "../../src/index.ts";
import { Built, nameOf, silence } from "../judge/build.ts";
import { AT_MS } from "../judge/samples.ts";

describe("the gate", () => {
  it("is shut while those who might be the cluster are silent, though one has opened none", () => {
    const built = new Built(3);
    for (const member of built.members) {
      Object.assign(member, { status: silence });
      delete member.storage;
      delete member.server;
    }
    built.at(3).status = { ok: true, value: { type: "unknown-command" }, via: "test", atMs: AT_MS, tookMs: 1 };
    const first = built.observation();
    const history = remember(emptyHistory(), first, assess(first));
    const verdict = gate(built.observation(AT_MS + 500), { history, member: nameOf(3), previous: first });
    expect(verdict.isOpen).toBe(false);
    expect(verdict.reasons.map(({ code }) => code)).toContain("MEMBER_SILENT");
  });
});
