/** A small schema with a column of every shape, for tests on real servers. */
import { dumpRows, type OvsdbServer } from "@ovnha/testkit";
import { defineSchema } from "../../src/index.ts";

export const LAB = {
  name: "Lab",
  version: "1.0.0",
  tables: {
    Host: {
      columns: {
        name: { type: "string" },
        count: { type: "integer" },
        load: { type: "real" },
        up: { type: { key: "boolean", min: 0, max: 1 } },
        tags: { type: { key: "string", min: 0, max: "unlimited" } },
        labels: { type: { key: "string", value: "string", min: 0, max: "unlimited" } },
        ports: { type: { key: { type: "uuid", refTable: "Port", refType: "strong" }, min: 0, max: "unlimited" } },
        level: { type: { key: { type: "string", enum: ["set", ["low", "high"]] }, min: 0, max: 1 } },
      },
      indexes: [["name"]],
      isRoot: true,
    },
    Port: {
      columns: {
        name: { type: "string" },
        speed: { type: { key: { type: "integer", minInteger: 0, maxInteger: 100 } } },
      },
    },
  },
} as const;
export const Lab = defineSchema(LAB);
export const wireRows = async (server: OvsdbServer, table: string): Promise<never[]> =>
  [...((await dumpRows(server.unix, "Lab")).get(table)?.values() ?? [])] as never[];
