// checkCluster of @ovnha/dbfile on the files given, as a program of its own: prints one line of JSON about itself.
import { checkCluster } from "@ovnha/dbfile";

const { findings } = await checkCluster(process.argv.slice(2));
const { user, system } = process.cpuUsage();
const rssMiB = process.resourceUsage().maxRSS / 1024;
console.log(JSON.stringify({ findings: findings.length, cpuMs: (user + system) / 1000, rssMiB }));
