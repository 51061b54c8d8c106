/** The shape of a scenario file as a JSON Schema (draft 2020-12), for editors and other tools; it ships as a file too. */
import { z } from "zod";
import { scenarioInput } from "./parse.ts";
import { stepInput, VERB_NAMES } from "./steps.ts";

export type JsonSchema = { readonly [key: string]: unknown };

const OPTIONS = { io: "input", unrepresentable: "any" } as const;

/** What the schema cannot say (members that must exist, units) is checked by `parseScenario`, with line and column. */
export function scenarioSchema(): JsonSchema {
  const { $schema, ...schema } = z.toJSONSchema(scenarioInput, OPTIONS) as JsonSchema & { properties: JsonSchema };
  const schedule = schema.properties["schedule"] as JsonSchema;
  const steps = VERB_NAMES.map((verb) => {
    const { $schema: _, ...step } = z.toJSONSchema(stepInput(verb), OPTIONS) as JsonSchema;
    return step;
  });
  return {
    $schema,
    title: "A scenario of quorum-sim",
    ...schema,
    properties: { ...schema.properties, schedule: { ...schedule, items: { anyOf: steps } } },
  };
}
