/** The version of this package, which `--version` prints; a test holds it equal to package.json. */
export const VERSION = "0.1.0";
