// node .ci/summary.mjs REPORT STATUS: the last line of a run, from vitest's JSON report and npm test's exit status.
import { existsSync, readFileSync } from "node:fs";

const [report, status] = process.argv.slice(2);
let passed = 0;
let failed = 0;
let skipped = 0;
if (existsSync(report)) {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
    readFileSync(report, "utf8"),
  );
  passed = numPassedTests;
  skipped = numPendingTests + numTodoTests;
  // A file that could not be loaded, or whose hook failed, has no failed test to count: it counts as one.
  const silent = ({ status, assertionResults }) =>
    status === "failed" && assertionResults.every((test) => test.status !== "failed");
  failed = numFailedTests + testResults.filter(silent).length;
}
// Types that do not fit, an unhandled rejection, no report at all, no test found: something failed even if no test did.
if (failed === 0 && (status !== "0" || passed === 0)) {
  console.log("npm test failed outside of any test, or ran none; its output is above.");
  failed = 1;
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;
