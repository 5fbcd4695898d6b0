import { readCheckpointer, readWal } from '../../../../engine/postgres/index.ts';
import { bytes, count, counted, duration } from '../../../words/index.ts';
import type { Check, CheckContext, Finding } from '../../types.ts';
import { once } from '../readings.ts';
import { answer, judgedOnPrimary, notReadable, unknown } from './answers.ts';
import { hoursBetween, knownTime, moment } from './known-time.ts';
import { asSize, readServerSettings, type ServerSettings } from './server-settings.ts';
import { settingRemedy } from './setting-remedy.ts';

export interface CheckpointLimits {
  /** Fewer checkpoints say nothing. */
  leastCheckpoints: number;
  leastHours: number;
  /** Shares of checkpoints that came early. */
  info: number;
  warning: number;
}

const defaults: CheckpointLimits = { leastCheckpoints: 10, leastHours: 1, info: 0.25, warning: 0.5 };

/** Checkpoints that come because WAL grows, rather than by time. */
export function checkpointsCheck(limits: CheckpointLimits = defaults): Check {
  return {
    id: 'checkpoints',
    title: 'Checkpoints',
    documentation:
      `The share of checkpoints that were requested rather than timed, from ${limits.info * 100} % on, a warning from ` +
      `${limits.warning * 100} %, of at least ${limits.leastCheckpoints}. WAL requests one every max_wal_size ÷ (1 + ` +
      'checkpoint_completion_target) (source: `CalculateCheckpointSegments` of PostgreSQL, `xlog.c`); where less WAL than half of that was ' +
      'written per requested checkpoint, they were asked for by hand, by backups or by CREATE DATABASE, and nothing is found. The proposal ' +
      'is rate of WAL × checkpoint_timeout × (1 + checkpoint_completion_target) × 1.5, at least twice the present value. Cannot tell on a standby, nor when there were fewer, or within an hour of a reset. Sources: ' +
      '`pg_stat_checkpointer` (17 and newer), `pg_stat_bgwriter`, `pg_stat_wal`; PostgreSQL documentation, "WAL Configuration".',
    run: (context) => run(context, limits),
  };
}

async function run(context: CheckContext, limits: CheckpointLimits) {
  const { connection, profile } = context;
  if (profile.isStandby) return judgedOnPrimary;
  const known = await knownTime(context);
  const { rows, skipped } = await readCheckpointer(connection, profile);
  const wal = await once(context, readWal);
  const [made] = rows;
  const [written] = wal.rows;
  if (!known || !made?.statsReset || !written?.statsReset)
    return notReadable([...skipped, ...wal.skipped], 'The checkpointer');
  const hours = hoursBetween(made.statsReset, known.now);
  const all = made.timed + made.requested;
  const evidence = [
    { label: 'Counted since', value: moment(made.statsReset) },
    { label: 'Checkpoints requested', value: made.requested },
    { label: 'Checkpoints by time', value: made.timed },
  ];
  if (made.requested === 0) return answer([], 'No checkpoint came early', { evidence });
  if (all < limits.leastCheckpoints || hours < limits.leastHours) {
    return unknown(`Only ${counted(all, 'checkpoint')} since ${moment(made.statsReset)}, too few to judge`);
  }
  const settings = await readServerSettings(context);
  const limit = settings.bytes('max_wal_size');
  const timeout = settings.seconds('checkpoint_timeout');
  const target = settings.number('checkpoint_completion_target');
  if (limit === undefined || timeout === undefined || target === undefined)
    return unknown('The settings of WAL are hidden');
  const perHour = written.bytes / hoursBetween(written.statsReset, known.now);
  const perRequest = (perHour * hours) / made.requested;
  const share = made.requested / all;
  if (share < limits.info) {
    return answer([], `${count(made.timed)} of ${counted(all, 'checkpoint')} came by time`, { evidence });
  }
  const trigger = limit / (1 + target);
  if (perRequest < trigger / 2) {
    return answer(
      [],
      `${counted(made.requested, 'checkpoint')} were asked for by hand or by backups: ${bytes(perRequest)} of WAL each are too few for max_wal_size`,
      { evidence },
    );
  }
  const proposal = proposedSize(limit, (perHour / 3600) * timeout * (1 + target));
  const finding: Finding = {
    check: 'checkpoints',
    key: 'checkpoints:max_wal_size',
    severity: share >= limits.warning ? 'warning' : 'info',
    subject: { kind: 'setting', name: 'max_wal_size' },
    title: `${count(made.requested)} of ${counted(all, 'checkpoint')} came early, because WAL reached max_wal_size (${settings.shown('max_wal_size')})`,
    explanation:
      'After each checkpoint the first change of a page writes the whole page to WAL, so checkpoints that come early make more WAL, ' +
      'which brings the next one earlier still. More room lets them come by time.',
    evidence: [
      ...evidence,
      { label: 'WAL per hour', value: Math.round(perHour), unit: 'bytes' },
      { label: 'A checkpoint is requested every', value: Math.round(trigger), unit: 'bytes' },
      { label: 'Time between checkpoints', value: duration((hours * 3600) / all) },
      ...warned(settings, (hours * 3600) / all),
    ],
    gain: { text: `Checkpoints every ${duration(timeout)}, and fewer whole pages in WAL` },
    remedy: {
      ...settingRemedy(profile, settings, {
        name: 'max_wal_size',
        value: asSize(proposal),
        risk: 'low',
        riskDetail: `pg_wal may grow to ${bytes(proposal)}: the disk must have room for it. Recovery after a crash takes longer.`,
      }),
      needsBytes: proposal - limit,
    },
  };
  return answer([finding], '');
}

/** In steps of half a gigabyte: room for the mean rate and half again, because rates are not even. */
function proposedSize(limit: number, needed: number): number {
  const step = 512 * 1024 ** 2;
  return Math.ceil(Math.max(needed * 1.5, limit * 2) / step) * step;
}

function warned(settings: ServerSettings, apart: number) {
  const threshold = settings.seconds('checkpoint_warning') ?? 0;
  return apart < threshold ? [{ label: 'Closer together than checkpoint_warning', value: true }] : [];
}

export const checkpoints = checkpointsCheck();
