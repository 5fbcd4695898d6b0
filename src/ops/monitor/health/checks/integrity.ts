import { readableName } from '../../../../sql/index.ts';
import { type CheckDefinition, critical, graded, notApplicable, ok, unknown, warning } from '../check.ts';
import { latestValue, notRead } from '../reading.ts';
import { count, counted, duration, listed, percent } from '../../../words/index.ts';

export const checksumFailures: CheckDefinition = {
  id: 'checksum-failures',
  title: 'Data checksums',
  weight: 8,
  cap: 59,
  thresholds:
    'critical from 1 page with a wrong checksum since the statistics were reset; not known when checksums are off',
  source: '`pg_stat_database`: `checksum_failures`',
  collector: 'instance',
  judge(input) {
    const failures = input.checksumFailures;
    if (failures === undefined) return notRead(input, 'Checksum failures', ['checksum failures', 'database']);
    if (failures === null) {
      return unknown(
        'Data checksums are off, so damaged pages would go unnoticed',
        'Stop the server and run pg_checksums --enable in a planned downtime.',
      );
    }
    if (failures === 0) return ok('No damaged page was read', { failures });
    return critical({
      message: `${counted(failures, 'page')} read with a wrong checksum: data is damaged`,
      evidence: { failures },
      advice:
        "Do not overwrite backups. Find the files in the server's log, check the disk and memory, and restore the damaged " +
        'tables from a backup or fail over to a replica that is sound.',
    });
  },
};

export const sequences: CheckDefinition = {
  id: 'sequences',
  title: 'Sequences',
  weight: 6,
  cap: 69,
  thresholds:
    'warning from 75 %, critical from 90 % of the values that sequence and column can hold (cycling ones apart)',
  source: '`pg_sequence`, types of the columns that it fills',
  collector: 'slow',
  primaryOnly: true,
  judge(input) {
    const found = input.sequences;
    if (!found) return notRead(input, 'The sequences', ['sequences']);
    const ending = found.filter(({ cycles }) => !cycles);
    const hidden = ending.filter(({ used }) => used === null).length;
    const read = ending.flatMap((sequence) => (sequence.used === null ? [] : [{ ...sequence, used: sequence.used }]));
    const worst = read.toSorted((a, b) => b.used - a.used)[0];
    if (ending.length === 0) return notApplicable('There are no sequences that can end', { sequences: found.length });
    // One that is locked for a moment does not matter; most of them hidden does.
    if (!worst || (worst.used < 0.75 && hidden > ending.length / 2)) {
      return unknown(
        `${count(hidden)} of ${counted(ending.length, 'sequence')} could not be read`,
        input.status.skipped.find(({ subject, fix }) => subject === 'sequences' && fix)?.fix ?? null,
        { sequences: found.length, hidden },
      );
    }
    const name = readableName(worst.schema, worst.name);
    const narrow = worst.narrowColumn;
    const late = read.filter(({ used }) => used >= 0.75).length;
    return graded(
      worst.used,
      { warning: 0.75, critical: 0.9 },
      {
        fine: `Sequences have room (the fullest used ${percent(worst.used)})`,
        evidence: { sequences: found.length, nearTheirEnd: late, sequence: name, usedRatio: worst.used, hidden },
        problem: {
          message:
            `Sequence ${name} has used ${percent(worst.used)} of ` +
            `${narrow ? `the values that ${narrow.name} (${narrow.type}) can hold` : 'its values'}` +
            `${late > 1 ? `; ${count(late)} sequences are near their end` : ''}. At the end, inserts fail`,
          advice: narrow
            ? `Change ${narrow.name} to bigint, as the sequence is, before it is full; this rewrites the table, so plan it.`
            : worst.ownedBy
              ? `Change ${worst.ownedBy} and the sequence to bigint before it ends; this rewrites the table, so plan it.`
              : `Raise its limit: ALTER SEQUENCE ${name} AS bigint NO MAXVALUE; and widen the columns that it fills.`,
        },
      },
    );
  },
};

export const invalidIndexes: CheckDefinition = {
  id: 'invalid-indexes',
  title: 'Invalid indexes',
  weight: 4,
  cap: null,
  thresholds:
    'warning from 1 index that is not valid while no CREATE INDEX or REINDEX CONCURRENTLY runs; full loss at 4',
  source: '`pg_index`: `indisvalid`',
  collector: 'tables',
  primaryOnly: true,
  judge(input) {
    const found = input.invalidIndexes;
    if (!found) return notRead(input, 'Invalid indexes', ['indexes', 'tables']);
    if (found.length === 0) return ok('All indexes are valid', { invalid: 0 });
    const names = found.map(({ schema, name }) => readableName(schema, name));
    const builds = (input.activity?.sessions ?? []).some(
      ({ state, query }) =>
        state === 'active' && /\b(create|reindex)\b[^;]*\bconcurrently\b/i.test(query.slice(0, 1000)),
    );
    if (builds) return ok(`${listed(names)} is being built`, { invalid: found.length });
    return warning(found.length / 4, {
      message: `${listed(names)} ${found.length === 1 ? 'is' : 'are'} not valid: kept up to date by every write, used by no query`,
      evidence: { invalid: found.length, index: names[0] ?? null },
      advice: `Run REINDEX INDEX CONCURRENTLY ${names[0]}; or drop it: DROP INDEX CONCURRENTLY ${names[0]};`,
    });
  },
};

export const preparedTransactions: CheckDefinition = {
  id: 'prepared-transactions',
  title: 'Prepared transactions',
  weight: 5,
  cap: 69,
  thresholds: 'warning from 5 minutes, critical from 1 hour of age',
  source: '`pg_prepared_xacts`',
  collector: 'instance',
  primaryOnly: true,
  judge(input) {
    const open = latestValue(input, 'prepared_transactions.count');
    if (open === undefined) return notRead(input, 'Prepared transactions', ['prepared transactions']);
    if (open === 0) return ok('No prepared transaction is open', { prepared: 0 });
    const age = latestValue(input, 'prepared_transactions.oldest_seconds') ?? 0;
    return graded(
      age,
      { warning: 5 * 60, critical: 3600 },
      {
        fine: `${counted(open, 'prepared transaction')} open, none for long`,
        evidence: { prepared: open, oldestSeconds: age },
        problem: {
          message: `A prepared transaction has been open for ${duration(age)}; it holds its locks and keeps VACUUM from cleaning`,
          advice:
            'Let the transaction manager finish it. If it was forgotten: SELECT gid, prepared, owner, database FROM ' +
            "pg_prepared_xacts ORDER BY prepared; then ROLLBACK PREPARED 'gid'; in its database.",
        },
      },
    );
  },
};
