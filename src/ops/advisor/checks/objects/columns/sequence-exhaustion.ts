import { quoteIdentifier, readSequences, type SequenceRow } from '../../../../../engine/postgres/index.ts';
import { counted, percent } from '../../../../words/index.ts';
import type { Check, Finding, Remedy, Severity } from '../../../types.ts';
import { judgedWholly } from '../../answers.ts';
import { once } from '../../readings.ts';
import { keyOf, quoted, spoken } from '../names.ts';
import { readCountedSince } from '../use-since.ts';
import { readSequenceOwners, type SequenceOwner } from './keys-catalog.ts';
import { daysEvidence, daysLeft, severityOf, severityText } from './running-out.ts';

const narrowTypes = new Set(['smallint', 'integer']);

export const sequenceExhaustion: Check = {
  id: 'sequence-exhaustion',
  title: 'Sequences that run out',
  documentation: `
    Speaks up when a sequence has used up most of what it, and the columns that it fills, can hold: at its end, every insert
    fails. A column may end long before its sequence: an \`integer\` at 2,147,483,647. Sequences that begin again at their end
    are left out, unless the column ends first.

    ${severityText} A sequence whose own type is the limit is given a larger one; where a column's type is the limit, changing it
    rewrites the table, so a person has to plan it.

    Not known for sequences that this role may not read. Source: \`pg_sequence\`, \`pg_sequence_last_value()\`, \`pg_stat_user_tables\`: \`n_tup_ins\`.
  `,
  async run(context) {
    const { connection } = context;
    const { rows, skipped } = await readSequences(connection);
    const owners = await readSequenceOwners(connection);
    const { since, now } = await once(context, readCountedSince);
    const findings = rows
      .filter(({ cycles, used }) => !cycles && used !== null)
      .flatMap((sequence): { finding: Finding; used: number }[] => {
        const owner = owners.get(`${sequence.schema}.${sequence.name}`);
        const left =
          Math.abs(Number(sequence.limit) - Number(sequence.lastValue ?? 0)) / Math.abs(owner?.increment ?? 1);
        const days = daysLeft(left, owner?.inserts ?? 0, since, now);
        const used = sequence.used ?? 0;
        const severity = severityOf(used, days);
        return severity ? [{ finding: describe(sequence, owner, severity, days), used }] : [];
      })
      .toSorted((a, b) => b.used - a.used);
    return judgedWholly({
      findings: findings.map(({ finding }) => finding),
      fine: `No sequence is near its end (${counted(rows.length, 'sequence')})`,
      untold: skipped.map(({ reason, fix }) => ({ reason, fix })),
    });
  },
};

function describe(
  sequence: SequenceRow,
  owner: SequenceOwner | undefined,
  severity: Severity,
  days: number | null,
): Finding {
  const used = sequence.used ?? 0;
  const filled = owner
    ? `, which fills ${owner.column} of ${spoken({ schema: owner.schema, name: owner.table })},`
    : '';
  return {
    check: sequenceExhaustion.id,
    key: keyOf(sequenceExhaustion.id, sequence),
    severity,
    subject: { kind: 'sequence', schema: sequence.schema, name: sequence.name },
    title: `The sequence ${spoken(sequence)}${filled} has used ${percent(used)} of its values`,
    explanation: 'When it is at its end, every insert that needs its next value fails.',
    evidence: [
      { label: 'Used', value: used, unit: 'ratio' },
      { label: 'Last value', value: sequence.lastValue },
      { label: 'Limit', value: sequence.limit },
      { label: 'Type of the sequence', value: sequence.dataType },
      ...(owner ? [{ label: 'Type of the column', value: owner.type }] : []),
      ...daysEvidence(days),
    ],
    gain: { text: 'Inserts go on' },
    remedy: remedyFor(sequence, owner),
  };
}

function remedyFor(sequence: SequenceRow, owner: SequenceOwner | undefined): Remedy {
  const narrow = sequence.narrowColumn !== null || (owner !== undefined && narrowTypes.has(owner.type));
  const isOwnLimit =
    narrowTypes.has(sequence.dataType) && owner?.endsWithType !== false && !sequence.limit.startsWith('-');
  if (!narrow && isOwnLimit) {
    return {
      kind: 'schema',
      fix: [`ALTER SEQUENCE ${quoted(sequence)} AS bigint`],
      undo: [`ALTER SEQUENCE ${quoted(sequence)} AS ${sequence.dataType}`],
      risk: 'low',
      riskDetail: 'Takes a moment and rewrites nothing. Who reads its values must be able to hold larger ones.',
      appliable: true,
    };
  }
  const widen =
    owner &&
    narrow &&
    `ALTER TABLE ${quoted({ schema: owner.schema, name: owner.table })} ALTER COLUMN ${quoteIdentifier(owner.column)} TYPE bigint`;
  return {
    kind: 'schema',
    fix: widen
      ? [widen, ...(narrowTypes.has(sequence.dataType) ? [`ALTER SEQUENCE ${quoted(sequence)} AS bigint`] : [])]
      : [],
    undo: [],
    risk: 'high',
    riskDetail: widen
      ? 'Rewrites the table and its indexes under a lock that stops reads as well. For a large table: add a bigint column, keep it filled by a trigger, fill it in batches, and swap the two. Columns that refer to it have to follow.'
      : 'Its limit was set on purpose, or a column that it fills is narrower: a person has to say what may follow.',
    appliable: false,
  };
}
