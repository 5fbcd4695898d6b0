import { quoteIdentifier } from '../../../../engine/postgres/index.ts';
import type { SourceConstraint } from '../source/constraints.ts';
import type { SourceIndex } from '../source/indexes.ts';
import type { SourceColumn, SourceInheritance, SourceRelation } from '../source/relations.ts';
import type { Definition } from './definitions.ts';

export function qualified({ schema, name }: { schema: string; name: string }): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/** `public.orders`, as a gap names it. */
export function plainName({ schema, name }: { schema: string; name: string }): string {
  return `${schema}.${name}`;
}

/** CREATE TABLE with its columns, checks and keys. A materialised view becomes a table. */
export function tableDefinition(
  relation: SourceRelation,
  columns: readonly SourceColumn[],
  constraints: readonly SourceConstraint[],
): Definition {
  const inline = constraints.filter(({ kind }) => kind !== 'f');
  const whole = (asSql: (column: SourceColumn) => string, kept: readonly SourceConstraint[]): string =>
    [
      `CREATE TABLE ${qualified(relation)} (`,
      [
        ...columns.map((column) => asSql(column)),
        ...kept.map(({ name, definition }) => `CONSTRAINT ${quoteIdentifier(name)} ${definition}`),
      ].join(', '),
      `)${relation.partitionKey === null ? '' : ` PARTITION BY ${relation.partitionKey}`}${storage(relation)}`,
    ].join('');
  const name = plainName(relation);
  return {
    subject: `table ${name}`,
    sql: whole((column) => columnSql(column, relation, true), inline),
    fallback: {
      sql: whole(
        (column) => columnSql(column, relation, false),
        inline.filter(({ kind }) => kind === 'p' || kind === 'u'),
      ),
      missing: `defaults, checks and collations of ${name}`,
    },
  };
}

/** Values are never stored, so no column needs a TOAST table: that halves the files. */
function columnSql(column: SourceColumn, relation: SourceRelation, whole: boolean): string {
  return [
    quoteIdentifier(column.name),
    column.type,
    ...(column.typeLength === -1 && column.generated !== 'v' ? ['STORAGE PLAIN'] : []),
    ...(column.collation === null || !whole ? [] : [`COLLATE ${column.collation}`]),
    ...(column.notNull ? ['NOT NULL'] : []),
    ...(whole ? [filling(column, relation)] : []),
  ].join(' ');
}

function filling({ generated, identity, expression }: SourceColumn, relation: SourceRelation): string {
  if (generated !== '' && expression !== null) {
    return `GENERATED ALWAYS AS (${expression}) ${generated === 'v' ? 'VIRTUAL' : 'STORED'}`;
  }
  // A partition takes it from its partitioned table.
  if (identity !== '') {
    if (relation.isPartition) return '';
    return `GENERATED ${identity === 'a' ? 'ALWAYS' : 'BY DEFAULT'} AS IDENTITY`;
  }
  return expression === null ? '' : `DEFAULT ${expression}`;
}

function storage({ options, kind }: SourceRelation): string {
  if (options === null || options.length === 0 || kind === 'p') return '';
  return ` WITH (${options.map((option) => optionSql(option)).join(', ')})`;
}

function optionSql(option: string): string {
  const at = option.indexOf('=');
  return `${quoteIdentifier(option.slice(0, at))} = '${option.slice(at + 1).replaceAll("'", "''")}'`;
}

export function viewDefinition(relation: SourceRelation, columns: readonly SourceColumn[], query: string): Definition {
  const names = columns.map(({ name }) => quoteIdentifier(name)).join(', ');
  const options = relation.options ?? [];
  const settings = options.length === 0 ? '' : ` WITH (${options.map((option) => optionSql(option)).join(', ')})`;
  return {
    subject: `view ${plainName(relation)}`,
    sql: `CREATE VIEW ${qualified(relation)}${names === '' ? '' : ` (${names})`}${settings} AS ${query.replace(/;\s*$/, '')}`,
  };
}

/** Makes a table a partition or an heir of its parent. */
export function inheritanceDefinition(
  child: SourceRelation,
  parent: SourceRelation,
  { bound }: SourceInheritance,
): Definition {
  return {
    subject: `${bound === null ? 'inheritance' : 'partition'} of ${plainName(parent)}: ${plainName(child)}`,
    sql:
      bound === null
        ? `ALTER TABLE ${qualified(child)} INHERIT ${qualified(parent)}`
        : `ALTER TABLE ${qualified(parent)} ATTACH PARTITION ${qualified(child)} ${bound}`,
  };
}

/** Not validated, which the planner does not look at: an empty table has nothing to check. */
export function foreignKeyDefinition(relation: SourceRelation, { name, definition }: SourceConstraint): Definition {
  const unchecked = relation.kind === 'p' || / NOT (VALID|ENFORCED)$/.test(definition) ? '' : ' NOT VALID';
  return {
    subject: `foreign key ${name} of ${plainName(relation)}`,
    sql: `ALTER TABLE ${qualified(relation)} ADD CONSTRAINT ${quoteIdentifier(name)} ${definition}${unchecked}`,
  };
}

/** The index of a partitioned table, made last, takes to itself those that its partitions already have. */
export function indexDefinition(index: SourceIndex): Definition {
  return {
    subject: `index ${plainName(index)}`,
    sql: index.partitioned ? index.definition.replace(/ ON ONLY /, ' ON ') : index.definition,
  };
}
