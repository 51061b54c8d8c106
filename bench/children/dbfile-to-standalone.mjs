// `clusterToStandalone`, as a program of its own: `SOURCE TARGET`; prints one line of JSON.
import { clusterToStandalone } from "@ovnha/dbfile";

const { sizeBytes, records } = await clusterToStandalone(process.argv[2], process.argv[3]);
console.log(JSON.stringify({ sizeBytes, records }));
