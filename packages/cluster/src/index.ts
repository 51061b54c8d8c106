/** `@ovnha/cluster`: what a cluster is doing, what is wrong with it, and what may be done next. */
export * from "./error.ts";
export * from "./observe/types.ts";
export type * from "./status/types.ts";
