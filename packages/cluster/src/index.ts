/** `@ovnha/cluster`: what a cluster is doing, what is wrong with it, and what may be done next. */
export * from "./error.ts";
export * from "./observe/types.ts";
export { formatClusterStatus } from "./status/format.ts";
export { parseClusterStatus, readStatusAnswer } from "./status/parse.ts";
export type * from "./status/types.ts";
