import { readTables, type TableRow } from '../../../../../engine/postgres/index.ts';
import { count, counted } from '../../../../words/index.ts';
import type { Check, Finding } from '../../../types.ts';
import { judged } from '../../answers.ts';
import { needed } from '../../needed.ts';
import { once } from '../../readings.ts';
import { keyOf, quoted, spoken } from '../names.ts';
import { type AutovacuumSettings, readAutovacuum, readTableOptions, type TableOptions } from './autovacuum.ts';
import { type Holder, holderEvidence, holderRemedy, readHorizon } from './horizon.ts';

/** Autovacuum comes at 1; beyond this it was due and did not get done. */
const lateness = 1.2;

interface Aged {
  table: TableRow;
  /** Transactions or multixacts, whichever is later. */
  what: 'transactions' | 'multixacts';
  age: number;
  limit: number;
  failsafe: number;
}

export const freezeAge: Check = {
  id: 'freeze-age',
  title: 'Tables that wait to be frozen',
  documentation: `
    PostgreSQL numbers transactions with 32 bits, so old rows have to be *frozen* before their numbers come round again; when a table is
    not frozen for 2 billion transactions the server refuses to write. Autovacuum does it at
    \`autovacuum_freeze_max_age\` (for row locks \`autovacuum_multixact_freeze_max_age\`), or at what a table's own setting says.

    Speaks up when the oldest row of a table, or of its TOAST table, is 1.2 times as old as that: autovacuum was due and did
    not get done. Warning; critical from \`vacuum_failsafe_age\` (\`vacuum_multixact_failsafe_age\`), where VACUUM drops everything
    else to get it done. When a transaction, a slot or a standby's query holds the age back, it is named.

    Source: \`pg_class\`: \`relfrozenxid\`, \`relminmxid\`; PostgreSQL manual, "Preventing Transaction ID Wraparound Failures".
  `,
  async run(context) {
    const tables = needed(await once(context, readTables), 'The tables');
    const settings = await readAutovacuum(context);
    const options = await once(context, readTableOptions);
    const aged = tables
      .flatMap((table) => agedOf(table, options.get(table.oid), settings) ?? [])
      .toSorted((a, b) => b.age / b.failsafe - a.age / a.failsafe);
    const horizon = aged.length > 0 ? await once(context, readHorizon) : null;
    const oldest = Math.max(0, ...tables.map(({ frozenXidAge }) => frozenXidAge ?? 0));
    return judged({
      findings: aged.map((each) => describe(each, holding(each, horizon?.oldest ?? null))),
      fine: `Rows are frozen in time (${counted(tables.length, 'table')})`,
      evidence: [{ label: 'Oldest, in transactions', value: oldest }],
    });
  },
};

function agedOf(table: TableRow, own: TableOptions | undefined, settings: AutovacuumSettings): Aged | undefined {
  const { freezeMaxAge, multixactFreezeMaxAge } = settings.of(own?.options ?? null);
  const candidates: Aged[] = [
    {
      table,
      what: 'transactions',
      age: Math.max(table.frozenXidAge ?? 0, own?.toastXidAge ?? 0),
      limit: freezeMaxAge,
      failsafe: settings.failsafeAge,
    },
    {
      table,
      what: 'multixacts',
      age: Math.max(table.frozenMxidAge ?? 0, own?.toastMxidAge ?? 0),
      limit: multixactFreezeMaxAge,
      failsafe: settings.multixactFailsafeAge,
    },
  ];
  return candidates
    .filter(({ age, limit }) => age > lateness * limit)
    .toSorted((a, b) => b.age / b.limit - a.age / a.limit)[0];
}

/** The holder, when most of the age is its doing: VACUUM could not bring the table below the limit. */
function holding({ what, limit }: Aged, holder: Holder | null): Holder | null {
  return what === 'transactions' && holder && holder.xminAge > limit ? holder : null;
}

function describe({ table, what, age, limit, failsafe }: Aged, holder: Holder | null): Finding {
  return {
    check: freezeAge.id,
    key: keyOf(freezeAge.id, table),
    severity: age >= failsafe ? 'critical' : 'warning',
    subject: { kind: 'table', schema: table.schema, name: table.name },
    title: `The oldest row of ${spoken(table)} is ${count(age)} ${what} old and waits to be frozen`,
    explanation:
      `Autovacuum was due at ${count(limit)} and did not get done. At about 2 billion the server refuses all writes.` +
      (holder ? ` VACUUM cannot help while ${holder.text} may need old rows.` : ''),
    evidence: [
      { label: `Age in ${what}`, value: age },
      { label: 'Autovacuum due from', value: limit },
      { label: 'Failsafe from', value: failsafe },
      { label: 'Size', value: table.heapBytes + table.toastBytes, unit: 'bytes' },
      ...(holder ? holderEvidence(holder) : []),
    ],
    gain: { text: 'No forced vacuum at a bad moment, and no stop of all writes' },
    remedy: holder
      ? holderRemedy(holder)
      : {
          kind: 'vacuum',
          fix: [`VACUUM (FREEZE) ${quoted(table)}`],
          undo: [],
          risk: 'low',
          riskDetail: 'Reads and rewrites every page that is not frozen yet; reads and writes of others go on.',
          appliable: true,
        },
  };
}
