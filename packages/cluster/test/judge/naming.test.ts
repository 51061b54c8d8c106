/** Whose id a silent one is: known, or not said. */
import { describe, expect, it } from "vitest";
import { assess, emptyHistory, type Observation, track, type Voter } from "../../src/index.ts";
import { addressOf, Built, keyOf, nameOf, shortOf } from "./build.ts";

const hosts = (built: Built, host = (index: number): string => `10.0.0.${index}`): Built => {
  for (const [place, member] of built.members.entries())
    Object.assign(member, { asked: { ...member.asked, remote: `tcp:${host(place + 1)}:6642` } });
  return built;
};
const voters = (built: Built): readonly Voter[] => assess(built.observation()).databases[0]?.quorum.voters ?? [];
const names = (built: Built): (string | undefined)[] => voters(built).map(({ member }) => member);
/** `index` is listed elsewhere than at its own address, by everybody. */
const listedAt = (built: Built, index: number, address: string): Built => {
  for (const member of built.members)
    if (member.status?.ok === true)
      member.change((status) => ({
        ...(member.member === nameOf(index) ? { address } : {}),
        servers: status.servers?.map((line) => (line.short === shortOf(index) ? { ...line, address } : line)) ?? [],
      }));
  return built;
};

describe("the name of a silent id", () => {
  it("is that of the member that is asked at its host", () => {
    const built = hosts(new Built(5)).kill(2).kill(4);
    expect(names(built)).toEqual([1, 2, 3, 4, 5].map(nameOf));
  });

  it("is not said if nobody can tell which of two it is", () => {
    const built = hosts(new Built(5), () => "10.0.0.9")
      .kill(2)
      .kill(4);
    expect(names(built)).toEqual([nameOf(1), undefined, nameOf(3), undefined, nameOf(5)]);
  });

  it("is what is remembered, wherever it is asked", () => {
    const first = track(emptyHistory(), new Built(5).observation());
    const built = new Built(5).kill(2).kill(4);
    const { verdict } = track(first.history, built.observation());
    expect(verdict.databases[0]?.quorum.voters.map(({ member }) => member)).toEqual([1, 2, 3, 4, 5].map(nameOf));
  });

  it("is found though another member lives on the same host", () => {
    const built = hosts(new Built(5), (index) => (index <= 2 ? "10.0.0.1" : `10.0.0.${index}`));
    listedAt(built, 2, "tcp:10.0.0.1:6653").kill(2).kill(4);
    expect(names(built)).toEqual([1, 2, 3, 4, 5].map(nameOf));
  });

  it("is the last one's, for the last id that is left", () => {
    expect(names(new Built(3).kill(3))).toEqual([1, 2, 3].map(nameOf));
  });

  it("is not the last one's, if that one is asked at another host while the others are asked where they are listed", () => {
    const built = hosts(listedAt(new Built(3), 3, "tcp:10.0.0.77:6643"), (index) => `10.0.0.${index}`).kill(3);
    expect(names(built)).toEqual([nameOf(1), nameOf(2), undefined]);
    // A network for clients alone tells nothing.
    const apart = hosts(listedAt(new Built(3), 3, "tcp:10.0.0.77:6643"), (index) => `192.168.0.${index}`).kill(3);
    expect(names(apart)).toEqual([1, 2, 3].map(nameOf));
  });

  it("is not the last one's, if that one had another id", () => {
    const first = track(emptyHistory(), new Built(3).observation());
    const past = first.history.databases["OVN_Southbound"]!;
    const idOfMember = { ...past.idOfMember, [nameOf(3)]: "9999aaaa-aaaa-4bbb-8ccc-000000000003" };
    const history = { version: 1, databases: { OVN_Southbound: { ...past, serverIds: {}, idOfMember } } } as const;
    const seen: Observation = new Built(3).kill(3).observation();
    const [verdict] = assess(seen, { history }).databases;
    expect(verdict?.quorum.voters.find(({ key }) => key === keyOf(3))?.member).toBeUndefined();
  });

  it("of a ghost is nobody's, though a member that is down is asked at its host", () => {
    const built = hosts(new Built(3));
    const ghost = { nickname: "dead", short: "dead", address: addressOf(3), isSelf: false, lastMessageMs: 90_000 };
    for (const member of built.members) member.change((status) => ({ servers: [...(status.servers ?? []), ghost] }));
    built.kill(3);
    expect(voters(built).find(({ short }) => short === "dead")?.member).toBeUndefined();
  });
});
