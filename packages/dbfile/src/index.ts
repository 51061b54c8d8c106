/** OVSDB database files read, judged, converted and written without ovsdb-tool. */
export * from "./core.ts";
export { openReadableFile, type ReadableFile, sha1Hex } from "./edge/file.ts";
