/** The part of OVN's Northbound schema that the examples use, as `npx ovsdb-types` prints it (tables left out). */
import { defineSchema } from "@ovnha/ovsdb";

export const OVN_Northbound = defineSchema({
  name: "OVN_Northbound",
  tables: {
    NB_Global: {
      columns: {
        nb_cfg: { type: "integer" },
        name: { type: "string" },
        options: { type: { key: "string", value: "string", min: 0, max: "unlimited" } },
      },
      maxRows: 1,
      isRoot: true,
    },
    Logical_Switch: {
      columns: {
        name: { type: "string" },
        ports: {
          type: { key: { type: "uuid", refTable: "Logical_Switch_Port", refType: "strong" }, min: 0, max: "unlimited" },
        },
        other_config: { type: { key: "string", value: "string", min: 0, max: "unlimited" } },
        external_ids: { type: { key: "string", value: "string", min: 0, max: "unlimited" } },
      },
      isRoot: true,
    },
    Logical_Switch_Port: {
      columns: {
        name: { type: "string" },
        up: { type: { key: "boolean", min: 0, max: 1 } },
        addresses: { type: { key: "string", min: 0, max: "unlimited" } },
        type: { type: "string" },
      },
      indexes: [["name"]],
      isRoot: false,
    },
  },
} as const);
