/** A large OVN_Southbound database, the same one each time, for benchmarks. */
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, renameSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SCHEMAS } from "./environment.ts";
import { runCommand } from "./processes.ts";

export type SouthboundSize = { readonly flows?: number; readonly ports?: number };

const DATAPATHS = 300;
const ROWS_PER_RECORD = 5_000;
const STAGES = [
  "ls_in_check_port_sec",
  "ls_in_apply_port_sec",
  "ls_in_lookup_fdb",
  "ls_in_pre_acl",
  "ls_in_acl",
  "ls_in_lb",
  "ls_in_arp_rsp",
  "ls_in_dhcp_options",
  "ls_in_l2_lkup",
  "lr_in_admission",
  "lr_in_ip_routing",
  "lr_in_arp_resolve",
];

/** Writes a standalone database file, or takes the one an earlier run wrote. @returns its path. */
export async function makeSouthbound({ flows = 200_000, ports = 10_000 }: SouthboundSize = {}): Promise<string> {
  const schemaDate = Math.floor(statSync(SCHEMAS.southbound).mtimeMs);
  const path = join(tmpdir(), `ovnha-southbound-2-${schemaDate}-${flows}-${ports}.db`);
  if (existsSync(path)) return path;
  const draft = `${path}.${process.pid}`;
  await runCommand("ovsdb-tool", ["create", draft, SCHEMAS.southbound]);
  const datapaths = Array.from({ length: DATAPATHS }, (_none, index) => uuid(`datapath${index}`));
  writeRecord(draft, {
    Datapath_Binding: Object.fromEntries(
      datapaths.map((id, index) => [
        id,
        {
          tunnel_key: index + 1,
          external_ids: [
            "map",
            [
              ["name", `sw${index}`],
              ["logical-switch", uuid(`switch${index}`)],
            ],
          ],
        },
      ]),
    ),
  });
  for (let first = 0; first < ports; first += ROWS_PER_RECORD) {
    writeRecord(draft, {
      Port_Binding: slice(first, ports, (index) => [
        uuid(`port${index}`),
        portBinding(index, datapaths[index % DATAPATHS] as string),
      ]),
    });
  }
  for (let first = 0; first < flows; first += ROWS_PER_RECORD) {
    writeRecord(draft, {
      Logical_Flow: slice(first, flows, (index) => [
        uuid(`flow${index}`),
        logicalFlow(index, datapaths[index % DATAPATHS] as string),
      ]),
    });
  }
  renameSync(draft, path);
  return path;
}

/** One transaction record of a standalone file: `OVSDB JSON <length> <SHA-1>`, the JSON, a newline (ovsdb(5)). */
function writeRecord(path: string, tables: Record<string, unknown>): void {
  const json = `${JSON.stringify({ ...tables, _date: 1_700_000_000_000, _comment: "bench" })}\n`;
  const hash = createHash("sha1").update(json).digest("hex");
  appendFileSync(path, `OVSDB JSON ${Buffer.byteLength(json)} ${hash}\n${json}`);
}

function slice(first: number, end: number, row: (index: number) => [string, unknown]): Record<string, unknown> {
  return Object.fromEntries(
    Array.from({ length: Math.min(ROWS_PER_RECORD, end - first) }, (_none, offset) => row(first + offset)),
  );
}

/** The same text gives the same uuid. */
function uuid(text: string): string {
  const hex = createHash("sha1").update(text).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The row uuid of flow `index`, from 0. */
export function southboundFlow(index: number): string {
  return uuid(`flow${index}`);
}

function address(index: number): { ip: string; mac: string } {
  const bytes = [(index >> 16) & 255, (index >> 8) & 255, index & 255];
  return {
    ip: `10.${bytes.join(".")}`,
    mac: `0a:58:0a:${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":")}`,
  };
}

function portBinding(index: number, datapath: string): unknown {
  const { ip, mac } = address(index);
  return {
    logical_port: `namespace${index % 97}.pod-${index}`,
    type: "",
    datapath: ["uuid", datapath],
    tunnel_key: Math.floor(index / DATAPATHS) + 1,
    mac: ["set", [`${mac} ${ip}`]],
    options: [
      "map",
      [
        ["requested-chassis", `node-${index % 50}`],
        ["iface-id-ver", uuid(`version${index}`)],
      ],
    ],
    external_ids: [
      "map",
      [
        ["namespace", `namespace${index % 97}`],
        ["pod", "true"],
      ],
    ],
    up: true,
  };
}

function logicalFlow(index: number, datapath: string): unknown {
  const { ip, mac } = address(index);
  const stage = STAGES[index % STAGES.length] as string;
  const port = `namespace${index % 97}.pod-${index % 10_000}`;
  return {
    logical_datapath: ["uuid", datapath],
    pipeline: index % 3 === 0 ? "egress" : "ingress",
    table_id: index % 24,
    priority: 50 + (index % 17) * 10,
    match: `inport == "${port}" && eth.src == ${mac} && ip4.src == ${ip} && tcp.dst == ${1024 + (index % 60_000)}`,
    actions: `reg0[${index % 16}] = 1; eth.dst = ${mac}; outport = "${port}"; next;`,
    external_ids: [
      "map",
      [
        ["source", `northd.c:${5_000 + (index % 4_000)}`],
        ["stage-name", stage],
        ["stage-hint", uuid(`hint${index % 5_000}`).slice(0, 8)],
      ],
    ],
  };
}
