import type { Json } from "../json.ts";
import type { OperationEncoder as Encoder } from "../operation.ts";
import type { Mutator } from "../row-types.ts";

/** The changes that can be asked of one column without knowing its value (RFC 7047 §5.1, `<mutation>`). Each returns the row's recorder, so that they chain. */
export interface ColumnRecorder {
  add(value: number | bigint): RowRecorder;
  subtract(value: number | bigint): RowRecorder;
  multiply(value: number | bigint): RowRecorder;
  /** Integers are divided towards zero. */
  divide(value: number | bigint): RowRecorder;
  modulo(value: number | bigint): RowRecorder;
  /** A set's members, or a map (entries whose key is there stay as they are). */
  insert(...values: unknown[]): RowRecorder;
  /** A set's members; a map's keys. */
  delete(...values: unknown[]): RowRecorder;
  /** A map's entry, whether the key is there or not. */
  set(key: unknown, value: unknown): RowRecorder;
  /** A map's entry, only if the key is not there. */
  setIfAbsent(key: unknown, value: unknown): RowRecorder;
}

/** One {@link ColumnRecorder} per column of the table. */
export type RowRecorder = { readonly [column: string]: ColumnRecorder };

/** Records the chain of calls of a builder function as the `mutations` of one `mutate`, in their order. */
export function recordMutations(table: string, encoder: Encoder, write: (row: RowRecorder) => unknown): Json[] {
  const mutations: Json[] = [];
  const recorders = new Map<string, ColumnRecorder>();
  const row: RowRecorder = new Proxy({} as Record<string, ColumnRecorder>, {
    get(_target, column) {
      // A builder function that is `async` by mistake, or returns the recorder, has `then` looked up on it.
      if (typeof column !== "string" || column === "then") return undefined;
      let recorder = recorders.get(column);
      if (recorder === undefined) {
        recorder = columnRecorder(table, column, encoder, mutations, () => row);
        recorders.set(column, recorder);
      }
      return recorder;
    },
  });
  write(row);
  return mutations;
}

function columnRecorder(
  table: string,
  column: string,
  encoder: Encoder,
  mutations: Json[],
  row: () => RowRecorder,
): ColumnRecorder {
  const isMap = encoder.columnKind(table, column) === "map";
  const push = (mutator: Mutator, value: unknown): RowRecorder => {
    mutations.push(encoder.mutation(table, column, mutator, value));
    return row();
  };
  const members = (values: unknown[]): unknown => {
    const [only] = values;
    const isCollection = values.length === 1 && typeof only === "object" && only !== null && !("namedUuid" in only);
    return isCollection ? only : values;
  };
  const entry = (key: unknown, value: unknown): Map<unknown, unknown> => new Map([[key, value]]);
  return {
    add: (value) => push("+=", value),
    subtract: (value) => push("-=", value),
    multiply: (value) => push("*=", value),
    divide: (value) => push("/=", value),
    modulo: (value) => push("%=", value),
    insert: (...values) => push("insert", isMap ? values[0] : members(values)),
    delete: (...values) => push("delete", members(values)),
    set(key, value) {
      push("delete", isMap ? [key] : key);
      return push("insert", entry(key, value));
    },
    setIfAbsent: (key, value) => push("insert", entry(key, value)),
  };
}
