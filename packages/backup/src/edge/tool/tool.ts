/** One way to work on database files, whichever engine does it. */
import { BackupError } from "../../error.ts";
import { nativeTool } from "./native-tool.ts";
import { programTool } from "./ovsdb-tool.ts";
import type { OvsdbTool, ToolOptions } from "./types.ts";

/**
 * ovsdb-tool(1) with typed calls, or the same without it.
 *
 *     const tool = ovsdbTool({ engine: "auto" });
 *     await tool.clusterToStandalone({ target: "/backup/nb.db", source: "/var/lib/ovn/ovnnb_db.db" });
 *
 * Every file that is made is new: an existing target is refused, and a call that fails or is given up leaves none behind.
 *
 * @throws BackupError `ARGUMENT`; each call `NO_TOOL`, `TOOL_FAILED`, `EXISTS`, `UNSUPPORTED`, `LIMIT`, `ABORTED`, …
 */
export function ovsdbTool(options: ToolOptions = {}): OvsdbTool {
  const { engine = "auto", runner, command } = options;
  const isElsewhere = runner !== undefined || command !== undefined;
  if (engine === "ovsdb-tool" || (engine === "auto" && isElsewhere)) return programTool(options);
  const native = nativeTool();
  if (engine === "native") {
    if (runner === undefined) return native;
    throw new BackupError("ARGUMENT", "the native engine works on files of this machine; leave the runner out");
  }
  const { query, transact, fixCluster } = programTool(options);
  return { ...native, engine: "auto", query, transact, fixCluster };
}
