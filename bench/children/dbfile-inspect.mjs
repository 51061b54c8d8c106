// `inspect` of a database file, as a program of its own: prints one line of JSON.
import { inspect } from "@ovnha/dbfile";

const { format, sizeBytes, records, damage } = await inspect(process.argv[2]);
console.log(JSON.stringify({ format, sizeBytes, records, damage }));
