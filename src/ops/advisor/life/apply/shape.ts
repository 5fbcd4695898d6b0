/** A name with its schema, not quoted; `null`: none was written. */
export interface ObjectName {
  schema: string | null;
  name: string;
}

/** What a statement of a remedy does, as far as it matters to running it safely. */
export interface StatementShape {
  verb: 'create-index' | 'drop-index' | 'reindex' | 'analyze' | 'vacuum' | 'attach-index' | 'other';
  concurrently: boolean;
  /** Of an index that is made, dropped, rebuilt, or attached to. In the schema of its table when it is made. */
  index: ObjectName | null;
  table: ObjectName | null;
  /** Reads and writes of tables go on while it waits and works: it may wait long for its locks. */
  gentle: boolean;
}

const identifier = '(?:"(?:[^"]|"")+"|[A-Za-z_\\u0080-\\uffff][\\w$\\u0080-\\uffff]*)';
const qualified = `(${identifier}(?:\\s*\\.\\s*${identifier})?)`;
const create = new RegExp(
  `^CREATE\\s+(?:UNIQUE\\s+)?INDEX\\s+(CONCURRENTLY\\s+)?(?:IF\\s+NOT\\s+EXISTS\\s+)?(${identifier})\\s+ON\\s+(?:ONLY\\s+)?${qualified}`,
  'i',
);
const drop = new RegExp(`^DROP\\s+INDEX\\s+(CONCURRENTLY\\s+)?(?:IF\\s+EXISTS\\s+)?${qualified}\\s*;?\\s*$`, 'i');
const reindex = new RegExp(`^REINDEX\\s+(?:\\([^)]*\\)\\s*)?(INDEX|TABLE)\\s+(CONCURRENTLY\\s+)?${qualified}`, 'i');
const attach = new RegExp(`^ALTER\\s+INDEX\\s+(?:IF\\s+EXISTS\\s+)?${qualified}\\s+ATTACH\\s+PARTITION\\b`, 'i');
const upkeep = new RegExp(
  `^(ANALYZE|VACUUM)\\b(?:\\s*\\([^)]*\\)|(?:\\s+(?:FULL|FREEZE|VERBOSE|ANALYZE)\\b)*)\\s*${qualified}?`,
  'i',
);

/** Locks of SHARE UPDATE EXCLUSIVE, by https://www.postgresql.org/docs/18/explicit-locking.html. */
const gentleAlter =
  /^ALTER\s+TABLE\b[\s\S]*\bSET\s+(STATISTICS\b|\(\s*(n_distinct|fillfactor|autovacuum|toast\.autovacuum))/i;
const gentleOther =
  /^(ALTER\s+SYSTEM|SELECT\s+(?:pg_catalog\s*\.\s*)?pg_reload_conf|CREATE\s+STATISTICS|DROP\s+STATISTICS)\b/i;

/** Tells what a statement of a remedy does, by its form. */
export function shapeOf(statement: string): StatementShape {
  const text = statement.trim();
  const created = create.exec(text);
  if (created) {
    const table = nameOf(created[3] ?? '');
    const concurrently = created[1] !== undefined;
    const index = { schema: table.schema, name: unquoted(created[2] ?? '') };
    return { verb: 'create-index', concurrently, index, table, gentle: concurrently };
  }
  const dropped = drop.exec(text);
  if (dropped) {
    const concurrently = dropped[1] !== undefined;
    return { verb: 'drop-index', concurrently, index: nameOf(dropped[2] ?? ''), table: null, gentle: concurrently };
  }
  const rebuilt = reindex.exec(text);
  if (rebuilt) {
    const concurrently = rebuilt[2] !== undefined;
    const name = nameOf(rebuilt[3] ?? '');
    const isIndex = rebuilt[1]?.toUpperCase() === 'INDEX';
    const object = isIndex ? { index: name, table: null } : { index: null, table: name };
    return { verb: 'reindex', concurrently, ...object, gentle: concurrently };
  }
  const attached = attach.exec(text);
  if (attached) {
    return { verb: 'attach-index', concurrently: false, index: nameOf(attached[1] ?? ''), table: null, gentle: false };
  }
  const kept = upkeep.exec(text);
  if (kept) {
    const verb = kept[1]?.toUpperCase() === 'ANALYZE' ? 'analyze' : 'vacuum';
    const table = kept[2] === undefined ? null : nameOf(kept[2]);
    return { verb, concurrently: false, index: null, table, gentle: !/\bFULL\b/i.test(text) };
  }
  const gentle = gentleAlter.test(text) || gentleOther.test(text);
  return { verb: 'other', concurrently: false, index: null, table: null, gentle };
}

function nameOf(written: string): ObjectName {
  const parts = written.match(new RegExp(identifier, 'g')) ?? [];
  const [first = '', second] = parts;
  return second === undefined
    ? { schema: null, name: unquoted(first) }
    : { schema: unquoted(first), name: unquoted(second) };
}

function unquoted(written: string): string {
  return written.startsWith('"') ? written.slice(1, -1).replaceAll('""', '"') : written.toLowerCase();
}
