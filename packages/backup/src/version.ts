/** The version of this package, which its manifests name; a test holds it equal to package.json. */
export const VERSION = "0.1.0";
