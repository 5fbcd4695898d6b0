import type { AnalysedStatement } from '../../src/ops/advisor/indexes/candidates/types.ts';
import type {
  ColumnModel,
  DatabaseModel,
  ExistingIndex,
  TableModel,
} from '../../src/ops/advisor/indexes/model/types.ts';
import { predicatesOf } from '../../src/sql/index.ts';

export interface ColumnShape {
  type?: string;
  category?: string;
  distinct?: number;
  correlation?: number;
  nulls?: number;
  width?: number;
  common?: Record<string, number>;
}

/** A table as the catalog would tell of it: 100,000 rows, columns of `int4` unless told otherwise. */
export function tableOf(
  name: string,
  columns: Record<string, ColumnShape>,
  more: Partial<TableModel> = {},
): TableModel {
  return {
    oid: [...name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % 1_000_000,
    schema: 'public',
    name,
    kind: 'table',
    persistence: 'p',
    partitions: [],
    isPartition: false,
    rows: 100_000,
    pages: 3000,
    columns: Object.entries(columns).map(([column, shape], at) => columnOf(column, at + 1, shape)),
    indexes: [],
    writes: { inserts: 0, updates: 0, deletes: 0, hotUpdates: 0 },
    definition: undefined,
    ...more,
  };
}

function columnOf(name: string, number: number, shape: ColumnShape): ColumnModel {
  const { type = 'int4', category = 'N', distinct = 1000, correlation = 0, nulls = 0, width = 4, common = {} } = shape;
  const orderable = !['json', 'jsonb', 'tsvector', 'point'].includes(type);
  const statistics = { distinct, correlation, nulls, width, common: new Map(Object.entries(common)) };
  return { name, number, type, baseType: type, category, orderable, bytewise: false, notNull: nulls === 0, statistics };
}

export function existing(name: string, keys: readonly string[], more: Partial<ExistingIndex> = {}): ExistingIndex {
  return {
    oid: 1,
    schema: 'public',
    name,
    method: 'btree',
    keys: keys.map((expression) => ({
      expression: expression.replace(/ DESC$/, ''),
      column: /^\w+( DESC)?$/.test(expression) ? expression.replace(/ DESC$/, '') : undefined,
      descending: expression.endsWith(' DESC'),
      nullsFirst: expression.endsWith(' DESC'),
      operatorClass: undefined,
      collation: undefined,
    })),
    include: [],
    where: undefined,
    unique: false,
    valid: true,
    bytes: 2_000_000,
    neededFor: undefined,
    definition: '',
    ...more,
  };
}

export function modelOf(...tables: TableModel[]): DatabaseModel {
  return {
    tables: new Map(tables.map((table) => [table.oid, table])),
    foreignKeys: [],
    operatorClasses: [
      operatorClass('gin', 'jsonb_ops', 'jsonb', ['@>', '?', '?|', '?&', '@@', '@?'], true),
      operatorClass('gin', 'jsonb_path_ops', 'jsonb', ['@>', '@@', '@?'], false),
      operatorClass('gin', 'array_ops', 'anyarray', ['@>', '<@', '&&', '='], true),
      operatorClass('gin', 'tsvector_ops', 'tsvector', ['@@'], true),
      operatorClass('gin', 'gin_trgm_ops', 'text', ['~~', '~~*', '~', '~*', '%'], false),
      operatorClass('gist', 'gist_trgm_ops', 'text', ['~~', '~~*', '~', '~*', '%'], false),
      operatorClass('gist', 'range_ops', 'anyrange', ['@>', '&&', '<<'], true),
      { ...operatorClass('gist', 'point_ops', 'point', ['<@'], true), orders: new Set(['<->']) },
    ],
    countedSince: null,
    takenNames: new Set(),
    blockSize: 8192,
    searchPath: ['public'],
    gaps: [],
  };
}

function operatorClass(method: string, name: string, type: string, searches: readonly string[], isDefault: boolean) {
  return { method, name, type, isDefault, searches: new Set(searches), orders: new Set<string>() };
}

/** A statement as it is analysed, once an hour unless told otherwise. */
export function analysed(text: string, model: DatabaseModel, callsPerHour = 1): AnalysedStatement {
  const tables = [...model.tables.values()];
  const { predicates, reason } = predicatesOf(text, {
    relation(_, name) {
      const table = tables.find((each) => each.name === name);
      return table && { schema: table.schema, name, columns: table.columns.map((column) => column.name) };
    },
  });
  if (!predicates) throw new Error(reason);
  return {
    statement: { id: text, text, samples: [], callsPerHour, meanMs: null },
    uses: predicates.uses.flatMap((use) => {
      const table = tables.find(({ name }) => name === use.table);
      return table ? [{ use, table }] : [];
    }),
    writes: predicates.writes,
  };
}
