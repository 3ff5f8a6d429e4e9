/** A table of the modelled store: committed rows, and what open transactions wrote over them. */
export interface Table<T> {
  readonly name: string;
  /** Committed rows by id. */
  readonly rows: ReadonlyMap<string, T>;
  get(writer: Writer, id: string): T | undefined;
  put(writer: Writer, id: string, row: T): void;
  remove(writer: Writer, id: string): void;
  /** As this writer's next statement would see it. */
  all(writer: Writer): readonly T[];
}

/** A transaction, as tables know it; each of its statements is one, with the same map. */
export interface Writer {
  /** What makes each touched table's rows committed. */
  readonly touched: Map<string, () => void>;
}

export function createTable<T>(name: string): Table<T> {
  const rows = new Map<string, T>();
  // Null stands for a removed row.
  const written = new WeakMap<Writer["touched"], Map<string, T | null>>();
  const commit = (writer: Writer): void => {
    for (const [id, row] of written.get(writer.touched) ?? []) {
      if (row === null) rows.delete(id);
      else rows.set(id, row);
    }
  };
  const write = (writer: Writer, id: string, row: T | null): void => {
    const own = written.get(writer.touched) ?? new Map<string, T | null>();
    own.set(id, row);
    written.set(writer.touched, own);
    writer.touched.set(name, () => commit(writer));
  };
  return {
    name,
    rows,
    get: (writer, id) => {
      const own = written.get(writer.touched)?.get(id);
      return own === undefined ? rows.get(id) : (own ?? undefined);
    },
    put: (writer, id, row) => write(writer, id, row),
    remove: (writer, id) => write(writer, id, null),
    all: (writer) => {
      const own = written.get(writer.touched);
      if (own === undefined) return [...rows.values()];
      const merged = new Map(rows);
      for (const [id, row] of own) {
        if (row === null) merged.delete(id);
        else merged.set(id, row);
      }
      return [...merged.values()];
    },
  };
}

/** Tells a checker of something at the very moment at which it is committed, and not otherwise. */
export function atCommit(writer: Writer, tell: () => void): void {
  writer.touched.set(`told ${writer.touched.size}`, tell);
}
