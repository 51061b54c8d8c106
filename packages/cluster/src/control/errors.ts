/** The server's words for "no", and the lack of an answer, as errors of this package. */
import { ClusterError, type ClusterErrorCode } from "../error.ts";
import { changesSomething } from "./types.ts";

/** The error of a command that the server refused, in its own words. */
export function refusalOf(name: string, command: string, words: string): ClusterError {
  const text = words.trimEnd();
  const where = `${name}: ${command}`;
  if (/^"[^"]*" is not a valid command/.test(text)) {
    return new ClusterError(
      "UNKNOWN_COMMAND",
      `${where}: the server does not know this command${command.startsWith("cluster/") ? "; it has opened no clustered database since it started" : ""}`,
      { text },
    );
  }
  if (text === "unknown cluster") {
    return new ClusterError(
      "UNKNOWN_CLUSTER",
      `${where}: the server has no such clustered database open: it is standalone, left or removed, failed, or the name is wrong`,
      { text },
    );
  }
  return new ClusterError("REFUSED", `${where}: the server answered: ${text.slice(0, 1_000)}`, { text });
}

/** No answer came. `isSent`: whether the command may have reached the server. */
export function unanswered(
  code: Extract<ClusterErrorCode, "UNREACHABLE" | "TIMEOUT" | "PROTOCOL" | "LIMIT" | "RUNNER" | "ABORTED" | "CLOSED">,
  command: string,
  isSent: boolean,
  message: string,
  cause?: unknown,
): ClusterError {
  if (!isSent || !changesSomething(command)) return new ClusterError(code, message, { cause });
  return new ClusterError(
    "OUTCOME_UNKNOWN",
    `${message}; ${command} may have taken effect or not: look at the cluster before it is given again`,
    { cause: new ClusterError(code, message, { cause }) },
  );
}
