import { type DatabaseConnection, quoteIdentifier } from '../../../../../engine/postgres/index.ts';
import { counted, percent } from '../../../../words/index.ts';
import type { Check, Finding, Severity, Untold } from '../../../types.ts';
import { judged, unknown } from '../../answers.ts';
import { once } from '../../readings.ts';
import { keyOf, quoted, spoken } from '../names.ts';
import { readCountedSince } from '../use-since.ts';
import { type IntegerKey, readIntegerKeys } from './keys-catalog.ts';
import { daysEvidence, daysLeft, severityOf, severityText } from './running-out.ts';

const limits = { smallint: 32_767, integer: 2_147_483_647 };

export const integerKeys: Check = {
  id: 'integer-keys',
  title: 'Integer keys that run out',
  documentation: `
    Speaks up when the largest value of a \`smallint\` or \`integer\` column that is a key, or refers to one, comes near the largest that
    its type can hold: the next inserts will fail. Columns that a sequence fills are judged by \`sequence-exhaustion\`.

    ${severityText} The largest value is the end of the column's histogram, as old as the last ANALYZE; exact answers
    ask the table, which takes a moment where there is an index. Widening the type rewrites the table, so a person has to plan it.

    Not known without ANALYZE or without the right to see the columns' statistics. Source: \`pg_stats\`: \`histogram_bounds\`,
    \`most_common_vals\`.
  `,
  async run(context) {
    const { connection, profile, exact } = context;
    const keys = (await readIntegerKeys(connection)).filter(({ sequence, filled }) => sequence === null && filled);
    const { since, now } = await once(context, readCountedSince);
    const found: { finding: Finding; used: number }[] = [];
    let told = 0;
    const hidden = keys.filter(({ readable }) => !readable);
    const missing: IntegerKey[] = [];
    for (const key of keys.filter(({ readable }) => readable)) {
      const largest = exact ? await readLargest(connection, key) : key.largest;
      if (largest === null) {
        missing.push(key);
        continue;
      }
      told += 1;
      const used = Math.max(0, largest / limits[key.type]);
      // What refers to a key grows as that does, not by every row.
      const days = key.refersTo === null ? daysLeft(limits[key.type] - largest, key.inserts, since, now) : null;
      const severity = used >= 0.1 ? severityOf(used, days) : undefined;
      if (severity) found.push({ finding: describe(key, { used, largest, days, severity }), used });
    }
    const untold: Untold[] = [
      ...(hidden.length > 0
        ? [
            {
              reason: `This role may not see statistics of ${counted(hidden.length, 'key column')}`,
              fix: `GRANT pg_read_all_data TO ${profile.user}`,
            },
          ]
        : []),
      ...(missing.length > 0
        ? [
            {
              reason: `${counted(missing.length, 'key column')} have no statistics, ${nameOf(missing[0])} among them`,
              fix: 'ANALYZE',
            },
          ]
        : []),
    ];
    const [first] = untold;
    if (told === 0 && first) return unknown(first.reason, first.fix);
    return judged({
      findings: found.toSorted((a, b) => b.used - a.used).map(({ finding }) => finding),
      fine: `No integer key is near its end (${counted(told, 'column')})`,
      untold,
    });
  },
};

function nameOf(key: IntegerKey | undefined): string {
  return key ? `${spoken({ schema: key.schema, name: key.table })}.${key.name}` : '';
}

/** Asks the table; where that takes too long or is not allowed, what statistics know must do. */
async function readLargest(connection: DatabaseConnection, key: IntegerKey): Promise<number | null> {
  const { schema, table, name } = key;
  const sql = `SELECT /* pitcrew */ max(${quoteIdentifier(name)}) AS "largest" FROM ${quoted({ schema, name: table })}`;
  try {
    const [row] = await connection.rolledBack({ statementTimeoutMs: 5000, lockTimeoutMs: 100 }, (transaction) =>
      transaction.execute<{ largest: number | null }>(sql),
    );
    return row?.largest ?? null;
  } catch (error) {
    if (!connection.isOpen) throw error;
    return key.largest;
  }
}

function describe(
  key: IntegerKey,
  { used, largest, days, severity }: { used: number; largest: number; days: number | null; severity: Severity },
): Finding {
  const table = { schema: key.schema, name: key.table };
  return {
    check: integerKeys.id,
    key: keyOf(integerKeys.id, table, key.name),
    severity,
    subject: { kind: 'column', schema: key.schema, table: key.table, name: key.name },
    title: `${key.name} of ${spoken(table)} is ${key.type} and has reached ${percent(used)} of its largest value`,
    explanation:
      key.refersTo === null
        ? 'When the next value does not fit, inserts fail.'
        : `It refers to ${key.refersTo}: when that has larger keys than fit here, inserts fail.`,
    evidence: [
      { label: 'Largest value', value: largest },
      { label: 'Largest possible', value: limits[key.type] },
      { label: 'Used', value: used, unit: 'ratio' },
      ...daysEvidence(days),
    ],
    gain: { text: 'Inserts go on' },
    remedy: {
      kind: 'schema',
      fix: [`ALTER TABLE ${quoted(table)} ALTER COLUMN ${quoteIdentifier(key.name)} TYPE bigint`],
      undo: [],
      risk: 'high',
      riskDetail:
        'Rewrites the table and its indexes under a lock that stops reads as well. For a large table: add a bigint column, keep it ' +
        'filled by a trigger, fill it in batches, and swap the two.',
      appliable: false,
    },
  };
}
