/** How the files of a backup are called, and what a name tells. */

export const MANIFEST_SUFFIX = ".manifest.json";
export const VERIFIED_SUFFIX = ".verified.json";
/** Hidden files that a backup is written to before it is whole. */
const PARTIAL = /^\..+\.partial-[0-9a-f]{8}$/;

/** `20261125T195613Z`. Milliseconds are left out: two backups of one database in one second are one too many. */
export function timeStamp(date: Date): string {
  return date.toISOString().replace(/[-:]|\.\d+/g, "");
}

/** `OVN_Northbound-20261125T195613Z.db`, with `.gz` behind it when compressed. */
export function backupName(database: string, date: Date, isCompressed: boolean): string {
  return `${database}-${timeStamp(date)}.db${isCompressed ? ".gz" : ""}`;
}

export function manifestName(fileName: string): string {
  return `${fileName}${MANIFEST_SUFFIX}`;
}

/** The mark that `verifyBackup` leaves. */
export function verifiedName(fileName: string): string {
  return `${fileName}${VERIFIED_SUFFIX}`;
}

export function partialName(fileName: string, random: string): string {
  return `.${fileName}.partial-${random}`;
}

export function isPartialName(name: string): boolean {
  return PARTIAL.test(name);
}
