/** The published schema is the one that the parser makes, and knows every key of every shipped scenario. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { type JsonSchema, scenarioSchema, shippedFiles } from "../../src/index.ts";

type Node = {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Node;
  readonly items?: Node;
  readonly prefixItems?: readonly Node[];
  readonly anyOf?: readonly Node[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
};

/** As much of JSON Schema as is used in it. */
function fits(node: Node, value: unknown): boolean {
  if (node.anyOf !== undefined) return node.anyOf.some((each) => fits(each, value));
  if (node.const !== undefined) return value === node.const;
  if (node.enum !== undefined) return node.enum.includes(value);
  const types = node.type === undefined ? [] : [node.type].flat();
  const is = Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
  if (types.length > 0 && !types.includes(is) && !(types.includes("integer") && Number.isInteger(value))) return false;
  if (typeof value === "string" && node.pattern !== undefined && !new RegExp(node.pattern).test(value)) return false;
  if (typeof value === "number" && (value < (node.minimum ?? -Infinity) || value > (node.maximum ?? Infinity)))
    return false;
  if (Array.isArray(value)) return value.every((each, i) => fits(node.prefixItems?.[i] ?? node.items ?? {}, each));
  if (is !== "object" || value === null) return true;
  const object = value as Readonly<Record<string, unknown>>;
  if (node.required?.some((key) => !(key in object)) === true) return false;
  return Object.entries(object).every(([key, each]) => {
    const known = node.properties?.[key];
    if (known !== undefined) return fits(known, each);
    const rest = node.additionalProperties;
    return typeof rest === "object" ? fits(rest, each) : rest !== false;
  });
}

const SCHEMA = scenarioSchema() as JsonSchema & Node;

test.each(shippedFiles())("%s fits", (file) => {
  expect(fits(SCHEMA, parse(readFileSync(file, "utf8")))).toBe(true);
});

test("and what is wrong does not", () => {
  const base = { version: 1, name: "x" };
  for (const wrong of [
    { ...base, colour: "red" },
    { ...base, version: 2 },
    { name: "x" },
    { ...base, cluster: { members: 17 } },
    { ...base, schedule: [{ at: "1s", explode: "m1" }] },
    { ...base, schedule: [{ at: "1s", stop: "m1", down: "3s" }] },
  ])
    expect({ wrong, fits: fits(SCHEMA, wrong) }).toEqual({ wrong, fits: false });
});

test("the file that ships is this schema", () => {
  const file = new URL("../../scenarios/scenario.schema.json", import.meta.url);
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(SCHEMA);
});
