/** What else goes down with a member's server: the other databases, if the operator's command does not tell them apart. */
import { judge } from "./conditions.ts";
import type { Case } from "./recovery-case.ts";
import { isForOneDatabase, type ServiceAction } from "./site.ts";
import type { Condition } from "./types.ts";

export type Neighbours = { readonly before: readonly Condition[]; readonly warnings: readonly string[] };

/** What must hold in the other databases before the member's servers are stopped or restarted for this one. */
export function neighboursOf(
  { judged, observation, options }: Case,
  action: ServiceAction,
  member: string,
): Neighbours {
  if (isForOneDatabase(options.site ?? {}, action)) return { before: [], warnings: [] };
  const others = [...judge(observation, options)].filter(
    ([database, other]) =>
      database !== judged.verdict.database &&
      other.verdict.quorum.voters.some((voter) => voter.member === member && voter.liveness === "live"),
  );
  return {
    before: others.map(([database]) => ({ type: "tolerance", database, least: 1 })),
    warnings: others.map(
      ([database]) =>
        `the ${action} command does not say which server it means (\`{short}\` or \`{database}\` in it would): ${member}'s server of ${database} goes down too`,
    ),
  };
}
