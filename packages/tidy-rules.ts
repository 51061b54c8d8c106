/**
 * The rules that every file of this repository keeps, as one pure function from paths and texts to complaints.
 * It reads syntax trees, not text, so that a word in a comment or in a string is never taken for a use.
 */
import { posix } from "node:path";
import ts from "typescript";

/** Path from the top folder, with forward slashes, to the text of the file. */
export type Files = ReadonlyMap<string, string>;

export type Rule = "imports" | "purity" | "core" | "length" | "tests" | "suppression";

export interface Complaint {
  readonly rule: Rule;
  readonly path: string;
  /** Counts from 1. */
  readonly line: number;
  readonly message: string;
}

/** Who may import whom. An edge missing from this table does not exist; `/core` allows that entry alone. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  ovsdb: [],
  raft: [],
  runner: [],
  cluster: ["@ovnha/ovsdb", "@ovnha/runner"],
  simulator: ["@ovnha/raft"],
  dbfile: ["@ovnha/ovsdb/core"],
  backup: ["@ovnha/dbfile", "@ovnha/ovsdb", "@ovnha/runner"],
  server: ["@ovnha/ovsdb/core", "@ovnha/raft", "@ovnha/dbfile"],
  testkit: ["@ovnha/ovsdb"],
};

export const LINES_MAX = 400;

/** Starts processes and waits for them: an edge from end to end. */
const ALL_EDGE = new Set(["testkit"]);
const TESTKIT = "@ovnha/testkit";

const IMPURE_GLOBALS = new Set(["performance", "process", "Buffer", "setTimeout", "setInterval", "setImmediate"]);
const IMPURE_MEMBERS = new Set([
  ...["Date.now", "Math.random", "crypto.randomUUID", "crypto.randomBytes", "crypto.getRandomValues"],
  ...[...IMPURE_GLOBALS].map((name) => `globalThis.${name}`),
]);
const TEST_FUNCTIONS = new Set(["it", "test", "describe", "bench", "suite"]);

type Place =
  | { readonly kind: "src" | "test"; readonly package: string }
  | { readonly kind: "examples" | "bench" }
  | { readonly kind: "top" };

interface Import {
  readonly specifier: string;
  readonly line: number;
}

interface Source {
  readonly path: string;
  readonly text: string;
  readonly place: Place;
  readonly tree: ts.SourceFile;
  readonly imports: readonly Import[];
}

/** Every broken rule, in the order of the files. */
export function findComplaints(files: Files): Complaint[] {
  const sources = new Map<string, Source>();
  for (const [path, text] of files) if (path.endsWith(".ts")) sources.set(path, readSource(path, text));
  return [...sources.values()].flatMap((source) => [
    ...checkImports(source),
    ...checkPurity(source),
    ...checkCore(source, sources),
    ...checkLength(source),
    ...checkTests(source),
    ...checkSuppressions(source),
  ]);
}

function readSource(path: string, text: string): Source {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  return { path, text, place: placeOf(path), tree, imports: findImports(tree) };
}

function placeOf(path: string): Place {
  const [top, name, folder] = path.split("/");
  if (top === "examples" || top === "bench") return { kind: top };
  if (top !== "packages" || name === undefined) return { kind: "top" };
  return folder === "src" || folder === "test" ? { kind: folder, package: name } : { kind: "top" };
}

function lineOf(tree: ts.SourceFile, position: number): number {
  return tree.getLineAndCharacterOfPosition(position).line + 1;
}

function visit(node: ts.Node, look: (node: ts.Node) => void): void {
  look(node);
  ts.forEachChild(node, (child) => visit(child, look));
}

/** Import and export declarations, `import()`, `require()` and `import("…").Type`. */
function findImports(tree: ts.SourceFile): Import[] {
  const found: Import[] = [];
  visit(tree, (node) => {
    const target = importTarget(node);
    if (target !== undefined && ts.isStringLiteralLike(target)) {
      found.push({ specifier: target.text, line: lineOf(tree, target.getStart(tree)) });
    }
  });
  return found;
}

function importTarget(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isExternalModuleReference(node)) return node.expression;
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return node.argument.literal;
  if (!ts.isCallExpression(node)) return undefined;
  const loads = node.expression.kind === ts.SyntaxKind.ImportKeyword || node.expression.getText() === "require";
  return loads ? node.arguments[0] : undefined;
}

/** The file that a relative import names, from the top folder. */
function resolve(path: string, specifier: string): string {
  return posix.normalize(posix.join(posix.dirname(path), specifier));
}

function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function allows(entry: string, specifier: string): boolean {
  return specifier === entry || (!entry.endsWith("/core") && specifier.startsWith(`${entry}/`));
}

/** Where a relative import has to end, as far as there is a bound. */
function homeOf(place: Place): string | undefined {
  if (place.kind === "src") return `packages/${place.package}/src`;
  if (place.kind === "test") return `packages/${place.package}`;
  return place.kind === "top" ? undefined : place.kind;
}

function checkImports({ path, place, imports }: Source): Complaint[] {
  const complaints: Complaint[] = [];
  const complain = (line: number, message: string): unknown =>
    complaints.push({ rule: "imports", path, line, message });
  const home = homeOf(place);
  for (const { specifier, line } of imports) {
    if (specifier.startsWith(".")) {
      const target = resolve(path, specifier);
      if (home !== undefined && !isInside(target, home)) complain(line, `${specifier} leaves ${home}`);
      continue;
    }
    if (specifier.startsWith("/") || specifier.startsWith("file:"))
      complain(line, `${specifier} names a place on one machine`);
    if (!specifier.startsWith("@ovnha/")) continue;
    if (place.kind !== "src" && place.kind !== "test") continue;
    const table = MAY_IMPORT[place.package];
    const own = `@ovnha/${place.package}`;
    const forTests = place.kind === "test" ? [TESTKIT, own] : [];
    if (table === undefined) complain(line, `${place.package} is missing from the import table`);
    else if (![...table, ...forTests].some((entry) => allows(entry, specifier))) {
      complain(line, `${place.package} ${place.kind} may not import ${specifier}`);
    }
  }
  return complaints;
}

/** A file that may name neither time nor chance nor the outside world. */
function isPure({ path, place }: Source): boolean {
  return place.kind === "src" && !ALL_EDGE.has(place.package) && !path.includes("/src/edge/");
}

function isEdge(path: string): boolean {
  return /\/src\/edge(\/|$)/.test(path);
}

function checkPurity(source: Source): Complaint[] {
  if (!isPure(source)) return [];
  const { path, tree, imports } = source;
  const complaints: Complaint[] = [];
  const complain = (line: number, what: string): unknown =>
    complaints.push({ rule: "purity", path, line, message: `${what} belongs under src/edge/` });
  const isIndex = /^packages\/[^/]+\/src\/index\.ts$/.test(path);
  for (const { specifier, line } of imports) {
    if (isNodeModule(specifier)) complain(line, specifier);
    if (specifier.startsWith(".") && !isIndex && isEdge(resolve(path, specifier)))
      complain(line, `whoever imports ${specifier}`);
  }
  visit(tree, (node) => {
    const what = impureUse(node);
    if (what !== undefined) complain(lineOf(tree, node.getStart(tree)), what);
  });
  return complaints;
}

const NODE_MODULES = new Set(
  "assert buffer child_process cluster crypto dgram dns events fs http http2 https net os path perf_hooks process stream timers tls tty url util v8 vm worker_threads zlib".split(
    " ",
  ),
);

function isNodeModule(specifier: string): boolean {
  return specifier.startsWith("node:") || NODE_MODULES.has(specifier.split("/")[0] ?? "");
}

function impureUse(node: ts.Node): string | undefined {
  if (ts.isNewExpression(node) && node.expression.getText() === "Date" && (node.arguments?.length ?? 0) === 0)
    return "new Date()";
  if (ts.isCallExpression(node) && node.expression.getText() === "Date") return "Date()";
  if (ts.isPropertyAccessExpression(node) || ts.isQualifiedName(node)) {
    const text = node.getText().replace(/\s|\?(?=\.)|globalThis\.(?=.*\.)/g, "");
    return IMPURE_MEMBERS.has(text) ? text : undefined;
  }
  if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression)) {
    const text = `${node.expression.getText()}.${node.argumentExpression.text}`;
    return IMPURE_MEMBERS.has(text) ? text : undefined;
  }
  return ts.isIdentifier(node) && IMPURE_GLOBALS.has(node.text) && isReference(node) ? node.text : undefined;
}

/** Whether an identifier stands for a value or a type in scope, and is not the name of a member or a declaration. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isQualifiedName(parent)) return parent.left === node;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  if (ts.isBindingElement(parent)) return parent.initializer === node;
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) return false;
  return (parent as { readonly name?: ts.Node }).name !== node;
}

/** `core.ts` and all it reaches: no `node:`, no edge. */
function checkCore(source: Source, sources: ReadonlyMap<string, Source>): Complaint[] {
  if (!/^packages\/[^/]+\/src\/core\.ts$/.test(source.path)) return [];
  const complaints: Complaint[] = [];
  const seen = new Set([source.path]);
  const queue: { readonly at: Source; readonly way: string }[] = [{ at: source, way: "core.ts" }];
  for (const { at, way } of queue) {
    for (const { specifier, line } of at.imports) {
      const complain = (message: string): unknown => complaints.push({ rule: "core", path: at.path, line, message });
      if (isNodeModule(specifier)) complain(`the core reaches ${specifier}: ${way}`);
      if (!specifier.startsWith(".")) continue;
      const path = resolve(at.path, specifier);
      if (isEdge(path)) complain(`the core reaches the edge: ${way} → ${path}`);
      const next = sources.get(path);
      if (next === undefined || seen.has(path)) continue;
      seen.add(path);
      queue.push({ at: next, way: `${way} → ${path.split("/src/")[1] ?? path}` });
    }
  }
  return complaints;
}

function checkLength({ path, text, place }: Source): Complaint[] {
  const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  if (place.kind === "top" || lines <= LINES_MAX) return [];
  return [{ rule: "length", path, line: LINES_MAX + 1, message: `${lines} lines; at most ${LINES_MAX}` }];
}

function isTest({ path, place }: Source): boolean {
  return place.kind === "test" || path.startsWith("examples/test/") || path.endsWith(".test.ts");
}

function checkTests(source: Source): Complaint[] {
  const { path, tree, imports } = source;
  const complaints: Complaint[] = [];
  const complain = (line: number, message: string): unknown => complaints.push({ rule: "tests", path, line, message });
  const isConfig = /(^|\/)vitest\.config\.ts$/.test(path);
  if (!isTest(source) && !isConfig) return [];
  for (const { specifier, line } of imports) {
    if (/^(node:)?timers\/promises$/.test(specifier)) complain(line, "a test waits for an event, not for time");
  }
  visit(tree, (node) => {
    const line = lineOf(tree, node.getStart(tree));
    if (isOnly(node)) complain(line, "only() leaves the other tests out");
    if (isRetry(node, isConfig)) complain(line, "a test that needs a second try hides a fault");
    if (isSleep(node)) complain(line, "a test waits for an event, not for time");
  });
  return complaints;
}

/** The leftmost name of `test.concurrent.each(…)`. */
function rootName(node: ts.Node): string {
  if (ts.isPropertyAccessExpression(node) || ts.isCallExpression(node)) return rootName(node.expression);
  return ts.isTaggedTemplateExpression(node) ? rootName(node.tag) : node.getText();
}

function isOnly(node: ts.Node): boolean {
  if (ts.isPropertyAssignment(node) && node.name.getText() === "only") return isTestOption(node);
  return ts.isPropertyAccessExpression(node) && node.name.text === "only" && TEST_FUNCTIONS.has(rootName(node));
}

function isRetry(node: ts.Node, isConfig: boolean): boolean {
  if (!ts.isPropertyAssignment(node) || node.name.getText() !== "retry") return false;
  return isConfig || isTestOption(node);
}

/** Whether a property belongs to the options given to `test` or `describe` themselves. */
function isTestOption(node: ts.PropertyAssignment): boolean {
  const call = node.parent.parent;
  return ts.isCallExpression(call) && TEST_FUNCTIONS.has(rootName(call.expression));
}

/** `new Promise((resolve) => setTimeout(resolve, …))`, however the call of `resolve` is wrapped. */
function isSleep(node: ts.Node): boolean {
  if (!ts.isNewExpression(node) || node.expression.getText() !== "Promise") return false;
  const executor = node.arguments?.[0];
  if (executor === undefined || !(ts.isArrowFunction(executor) || ts.isFunctionExpression(executor))) return false;
  const done = executor.parameters[0]?.name.getText();
  let sleeps = false;
  visit(executor.body, (inner) => {
    if (!ts.isCallExpression(inner) || !/^(globalThis\.)?set(Timeout|Interval)$/.test(inner.expression.getText()))
      return;
    const then = inner.arguments[0];
    if (then !== undefined && (then.getText() === done || callsOnly(then, done))) sleeps = true;
  });
  return sleeps;
}

/** Whether a function does nothing but call `name`. */
function callsOnly(node: ts.Node, name: string | undefined): boolean {
  if (!ts.isArrowFunction(node) && !ts.isFunctionExpression(node)) return false;
  const [only, ...more] = ts.isBlock(node.body) ? node.body.statements : [node.body];
  const call = only !== undefined && ts.isExpressionStatement(only) ? only.expression : only;
  return more.length === 0 && call !== undefined && ts.isCallExpression(call) && call.expression.getText() === name;
}

function checkSuppressions({ path, tree, text }: Source): Complaint[] {
  const complaints: Complaint[] = [];
  // Comments lie between the tokens; a token's own text, such as a string, is left alone.
  const look = (node: ts.Node): void => {
    if (node.kind >= ts.SyntaxKind.FirstJSDocNode && node.kind <= ts.SyntaxKind.LastJSDocNode) return;
    const children = node.getChildren(tree);
    for (const child of children) look(child);
    if (children.length > 0) return;
    const trivia = text.slice(node.pos, node.getStart(tree));
    for (const { index, 0: found } of trivia.matchAll(/@ts-(ignore|nocheck)\b/g)) {
      const message = `${found} hides every error; @ts-expect-error with a reason hides one`;
      complaints.push({ rule: "suppression", path, line: lineOf(tree, node.pos + index), message });
    }
  };
  look(tree);
  return complaints;
}
