/** Versions of schemas: three numbers with dots between (RFC 7047 §3.1). */
import { BackupError } from "../error.ts";

type Operator = "<" | "<=" | "==" | ">=" | ">" | "!=";

const VERSION = /^[0-9]+\.[0-9]+\.[0-9]+$/;

/** @throws BackupError `ARGUMENT` for what is no version. */
export function compareVersions(left: string, operator: Operator, right: string): boolean {
  const order = orderOf(left, right);
  switch (operator) {
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case "==":
      return order === 0;
    case ">=":
      return order >= 0;
    case ">":
      return order > 0;
    case "!=":
      return order !== 0;
  }
}

function orderOf(left: string, right: string): number {
  for (const text of [left, right])
    if (!VERSION.test(text))
      throw new BackupError("ARGUMENT", `${JSON.stringify(text)} is not a version of the form x.y.z`);
  const [a, b] = [left, right].map((text) => text.split(".").map(BigInt)) as [bigint[], bigint[]];
  for (const [at, number] of a.entries()) {
    const other = b[at] ?? 0n;
    if (number !== other) return number < other ? -1 : 1;
  }
  return 0;
}
