import { quoteIdentifier } from '../../../../../engine/postgres/index.ts';
import { count } from '../../../../words/index.ts';
import type { Check, Finding, Severity } from '../../../types.ts';
import { judged } from '../../answers.ts';
import { keyOf, quoted, spoken } from '../names.ts';
import { type MixedKey, readMixedKeys, readQueriedJson, readTypedColumns, type TypedColumn } from './type-catalog.ts';

/** `char(1)` to `char(3)` hold codes, and do no harm worth a word. */
const codeLength = 3;
const moneyNames =
  /(^|_)(price|amount|cost|total|subtotal|balance|fee|salary|wage|tax|vat|discount|revenue|preis|betrag|kosten|summe|saldo)(_|$)/i;

/** What is wrong with a column's type, and what would be better. */
interface Complaint {
  title: string;
  explanation: string;
  severity: Severity;
  /** Type to change to; `null` where a person has to know more. */
  to: string | null;
  using?: string;
  undoUsing?: string;
}

export const columnType: Check = {
  id: 'column-type',
  title: 'Columns whose type hurts',
  documentation: `
    Speaks up where a column's type does harm, not where it is a matter of taste (\`varchar(255)\` is fine):

    - a foreign key column of another type than the key: it cannot hold all keys, or needs a cast that keeps indexes from being
    used (warning);
    - \`timestamp\` without time zone in a table that has columns with one: comparing them depends on the session's TimeZone
    (info);
    - \`money\`, whose meaning depends on \`lc_monetary\`; \`real\` or \`double precision\` for what is called price, amount and
    the like, and loses cents (info);
    - \`json\` that statements or indexes look into: it is parsed each time, \`jsonb\` is not (info);
    - \`char(n)\` from 4 characters on, which is padded with spaces (info);
    - \`numeric\` without decimals as a primary key: slower and larger than \`bigint\` (info);
    - text in a key or index whose sampled values are all UUIDs, or all integers: two to four times as large (info).

    Changing a type mostly rewrites the table under a lock, so it is never applied. What needs values is judged by statistics, where
    the role may see them, and else not spoken of.

    Source: \`pg_attribute\`, \`pg_constraint\`, \`pg_amop\`, \`pg_stats\`, \`pg_stat_statements\`.
  `,
  async run({ connection, profile }) {
    const columns = await readTypedColumns(connection);
    const json = columns.filter(({ base, inExpression }) => base === 'json' && !inExpression);
    const queried = await readQueriedJson(connection, profile, json);
    const own = columns.flatMap((column) => {
      const complaint = complaintAbout(column, queried.has(`${column.schema}.${column.table}.${column.name}`));
      return complaint ? [describe(column, complaint)] : [];
    });
    const mixed = (await readMixedKeys(connection)).filter(({ sameFamily, narrower }) => !sameFamily || narrower);
    return judged({
      findings: [...mixed.map(describeMixed), ...own],
      fine: `No column has a type that hurts (${count(columns.length)} that might were looked at)`,
    });
  },
};

function complaintAbout(column: TypedColumn, isQueried: boolean): Complaint | undefined {
  const name = quoteIdentifier(column.name);
  const info = 'info' as const;
  if (column.looksLike === 'uuid') {
    return {
      title: 'holds UUIDs as text',
      explanation:
        'As uuid each takes 16 bytes instead of 37, in the table and in every index, and is compared faster.',
      severity: info,
      to: 'uuid',
      using: `${name}::uuid`,
      undoUsing: `${name}::text`,
    };
  }
  if (column.looksLike === 'integer') {
    return {
      title: 'holds integers as text',
      explanation:
        'They are ordered as text (10 before 9) and take more room. Codes with a meaning beyond their value are better left.',
      severity: info,
      to: null,
    };
  }
  switch (column.base) {
    case 'bpchar':
      return (column.length ?? 0) > codeLength
        ? {
            title: `is ${column.type}`,
            explanation:
              'It is padded with spaces to its full length, which takes room and surprises where values are compared.',
            severity: info,
            to: 'text',
          }
        : undefined;
    case 'money':
      return {
        title: 'is money',
        explanation:
          'What its values mean depends on lc_monetary of the server, and it holds no currency. Use numeric.',
        severity: info,
        to: 'numeric',
        using: `${name}::numeric`,
      };
    case 'timestamp':
      return column.zonedBeside
        ? {
            title: 'is a timestamp without time zone beside columns that have one',
            explanation:
              "Comparing it with those depends on the session's TimeZone: the same statement gives different answers to different clients. In which zone its values are, who writes them must say.",
            severity: info,
            to: null,
          }
        : undefined;
    case 'json':
      return column.inExpression || isQueried
        ? {
            title: 'is json, and is looked into',
            explanation:
              'Its text is parsed anew each time; jsonb is stored parsed and can be indexed. jsonb keeps neither key order nor spaces.',
            severity: info,
            to: 'jsonb',
            using: `${name}::jsonb`,
            undoUsing: `${name}::json`,
          }
        : undefined;
    case 'numeric':
      return column.primary && (column.scale === null || column.scale === 0)
        ? {
            title: `is a primary key of type ${column.type}`,
            explanation:
              'bigint is compared several times faster and every index on it, and on what refers to it, is smaller.',
            severity: info,
            to: null,
          }
        : undefined;
    case 'float4':
    case 'float8':
      return moneyNames.test(column.name)
        ? {
            title: `is ${column.type}, by its name for money`,
            explanation:
              'Binary fractions cannot hold most amounts exactly, and sums of them differ by cents. Use numeric.',
            severity: info,
            to: 'numeric',
            using: `${name}::numeric`,
            undoUsing: `${name}::${column.type}`,
          }
        : undefined;
    default:
      return undefined;
  }
}

function describe(column: TypedColumn, complaint: Complaint): Finding {
  const table = { schema: column.schema, name: column.table };
  const change = `ALTER TABLE ${quoted(table)} ALTER COLUMN ${quoteIdentifier(column.name)} TYPE`;
  const using = (expression: string | undefined): string => (expression ? ` USING ${expression}` : '');
  return {
    check: columnType.id,
    key: keyOf(columnType.id, table, column.name),
    severity: complaint.severity,
    subject: { kind: 'column', schema: column.schema, table: column.table, name: column.name },
    title: `${column.name} of ${spoken(table)} ${complaint.title}`,
    explanation: complaint.explanation,
    evidence: [
      { label: 'Type', value: column.type },
      { label: 'Rows', value: Math.round(column.rows), unit: 'rows' },
      { label: 'In an index', value: column.indexed },
    ],
    gain: null,
    remedy: {
      kind: 'schema',
      fix: complaint.to === null ? [] : [`${change} ${complaint.to}${using(complaint.using)}`],
      undo: complaint.to === null ? [] : [`${change} ${column.type}${using(complaint.undoUsing)}`],
      risk: 'high',
      riskDetail:
        'Mostly rewrites the table and its indexes under a lock that stops reads as well, and the application must expect the new type.',
      appliable: false,
    },
  };
}

function describeMixed(key: MixedKey): Finding {
  const table = { schema: key.schema, name: key.table };
  const parent = spoken({ schema: key.parentSchema, name: key.parentTable });
  const change = `ALTER TABLE ${quoted(table)} ALTER COLUMN ${quoteIdentifier(key.name)} TYPE`;
  return {
    check: columnType.id,
    key: keyOf(columnType.id, table, key.name),
    severity: 'warning',
    subject: { kind: 'column', schema: key.schema, table: key.table, name: key.name },
    title: `${key.name} of ${spoken(table)} is ${key.type}, but refers to ${key.parentName} of ${parent}, which is ${key.parentType}`,
    explanation: key.narrower
      ? 'It cannot hold all keys: when they grow beyond its type, rows cannot refer to them.'
      : 'To compare the two, PostgreSQL casts one of them, and an index on the column that is cast is not used.',
    evidence: [
      { label: 'Type', value: key.type },
      { label: 'Type of the key', value: key.parentType },
      { label: 'Foreign key', value: key.constraint },
      { label: 'Rows', value: Math.round(key.rows), unit: 'rows' },
    ],
    gain: null,
    remedy: {
      kind: 'schema',
      fix: [`${change} ${key.parentType}`],
      undo: [`${change} ${key.type}`],
      risk: 'high',
      riskDetail:
        'Rewrites the table and its indexes under a lock that stops reads as well, and checks the foreign key anew.',
      appliable: false,
    },
  };
}
