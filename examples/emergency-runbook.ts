/**
 * The founding story's night: two of three masters are down, and the disk of one was wiped on boot. What is printed is what
 * one does now: with the ids and paths of this very cluster, looking before acting, and how to take back each step.
 */
import { rename } from "node:fs/promises";
import { openDbFile, inspect } from "@ovnha/dbfile";
import {
  assess,
  emptyHistory,
  type FileFacts,
  fileFacts,
  observe,
  remember,
  renderRunbook,
  runbook,
} from "@ovnha/cluster";
import { inPair, siteOf } from "./pair.ts";

/** What the story's operators also look at; none of it is OVSDB's. */
const KUBE_OVN = [
  {
    title: "Read the logs of the database pods",
    command: {
      at: "here",
      program: "kubectl",
      args: ["--namespace=kube-system", "logs", "--selector=app=ovn-central", "--tail=100", "--prefix"],
    },
  },
  {
    title: "Ping the gateway of the join network from a pinger pod",
    command: {
      at: "here",
      program: "kubectl",
      args: ["--namespace=kube-system", "exec", "daemonset/kube-ovn-pinger", "--", "ping", "-c3", "100.64.0.1"],
    },
  },
  {
    title: "See that the CNI configuration survived the boot; the image has a copy, /kube-ovn/01-kube-ovn.conflist",
    command: { at: "each master", program: "ls", args: ["-l", "/etc/cni/net.d/01-kube-ovn.conflist"] },
  },
];

await inPair(
  "emergency-runbook",
  "Prints what to do, for a pair in which two of three masters are gone.",
  async (pair) => {
    const { own } = pair;
    if (own !== undefined) {
      for (const cluster of [own.nb, own.sb]) {
        for (const index of [1, 2]) await cluster.member(index).kill("SIGKILL");
        await rename(cluster.file(2), `${cluster.file(2)}.wiped`);
      }
    }
    let history = emptyHistory();
    const expected = { members: pair.members.length };
    const look = async (): ReturnType<typeof observe> => {
      const observation = await observe({ members: pair.members, timeoutMs: 2000 });
      history = remember(history, observation, assess(observation, { expected, history }));
      return observation;
    };
    await look();
    const observation = await look();
    const verdict = assess(observation, { expected, history });
    // Of its own pair it knows which disk was wiped; the files of the others tell the whole ids of all.
    const lost = own === undefined ? [] : ["master3"];
    const files: Record<string, Record<string, FileFacts>> = {};
    if (own !== undefined)
      for (const [database, cluster] of [
        ["OVN_Northbound", own.nb],
        ["OVN_Southbound", own.sb],
      ] as const)
        files[database] = Object.fromEntries(
          await Promise.all(
            [0, 1].map(async (index) => {
              using file = await openDbFile(cluster.file(index));
              return [`master${index + 1}`, fileFacts(await inspect(file))] as const;
            }),
          ),
        );
    const site = siteOf(pair);
    const book = runbook(verdict, { observation, expected, history, site, files, lost, looks: KUBE_OVN });
    console.log(renderRunbook(book, "markdown"));
  },
);
