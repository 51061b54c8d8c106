/** A TypeScript file as one JavaScript file, since a process that is killed thirty times has to start quickly. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "tsup";

/** @returns the path of the file. */
export async function bundle(name: string, folder: string): Promise<string> {
  await build({
    config: false,
    silent: true,
    entry: [fileURLToPath(new URL(`${name}.ts`, import.meta.url))],
    outDir: folder,
    format: ["esm"],
    target: "node20",
    noExternal: [/.*/],
    outExtension: () => ({ js: ".mjs" }),
    banner: { js: 'import{createRequire as __r}from"node:module";const require=__r(import.meta.url);' },
    esbuildOptions: (options) => {
      options.conditions = ["ovnha-source"];
    },
  });
  return join(folder, `${name}.mjs`);
}
