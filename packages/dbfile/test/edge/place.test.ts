/** Names of new files: on file systems without hard links, and when the folder or the disk refuses. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { placeNew } from "../../src/edge/place.ts";

vi.mock("node:fs/promises", async (load) => {
  const real = await load<typeof fs>();
  return {
    ...real,
    link: vi.fn(real.link),
    open: vi.fn(real.open),
    rename: vi.fn(real.rename),
    unlink: vi.fn(real.unlink),
  };
});

const refuses =
  (code: string): (() => Promise<never>) =>
  () =>
    Promise.reject(Object.assign(new Error(code), { code }));

let folder: string;
let target: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ovnha-"));
  target = join(folder, "new.db");
});
afterEach(() => {
  vi.resetAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const place = (): Promise<string> => placeNew(target, async (file) => void (await file.write("whole")));
const refusal = (): Promise<unknown> => place().catch((error: { readonly code: string }) => error.code);

test.each(["EPERM", "EOPNOTSUPP", "EMLINK"])(
  "without hard links (%s), a file gets its name by renaming",
  async (code) => {
    vi.mocked(fs.link).mockImplementation(refuses(code));
    await place();
    expect(readFileSync(target, "utf8")).toBe("whole");
    expect(statSync(target).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder)).toEqual(["new.db"]);
  },
);

test("without hard links, a name that was taken in the meantime is not taken again", async () => {
  vi.mocked(fs.link).mockImplementation(() => {
    writeFileSync(target, "precious");
    return refuses("EPERM")();
  });
  expect(await refusal()).toBe("EXISTS");
  expect(readFileSync(target, "utf8")).toBe("precious");
  expect(readdirSync(folder)).toEqual(["new.db"]);
});

test("without hard links, a failed renaming leaves no empty file", async () => {
  vi.mocked(fs.link).mockImplementation(refuses("EPERM"));
  vi.mocked(fs.rename).mockImplementation(refuses("EIO"));
  expect(await refusal()).toBe("IO");
  expect(readdirSync(folder)).toEqual([]);
});

test("a second name that cannot be removed does no harm", async () => {
  vi.mocked(fs.unlink).mockImplementation(refuses("EPERM"));
  await place();
  expect(readFileSync(target, "utf8")).toBe("whole");
});

test("a folder that cannot be synced leaves no file", async () => {
  const { open } = await vi.importActual<typeof fs>("node:fs/promises");
  vi.mocked(fs.open).mockImplementation(async (...args: Parameters<typeof open>) => {
    const handle = await open(...args);
    if (args[0] === folder) handle.sync = refuses("EIO");
    return handle;
  });
  expect(await refusal()).toBe("IO");
  expect(readdirSync(folder)).toEqual([]);
});
