import { behindFirst, type BackupService, sizesOf } from '../../ops/backup/index.ts';
import type { MetricFamily } from './exposition.ts';

type Series = MetricFamily['series'];

/** How backups are. A daemon that does not look after a server tells nothing of them. */
export function backupFamilies(services: readonly BackupService[], now = Date.now()): MetricFamily[] {
  const known = services.flatMap((service) => {
    const found = service.known();
    const { log, running } = service.status();
    return found ? [{ target: service.name, ...found, log, running }] : [];
  });
  const gauge = (name: string, help: string, series: (each: (typeof known)[number]) => Series): MetricFamily => ({
    name: `pitcrew_backup_${name}`,
    help,
    type: 'gauge',
    series: known.flatMap((each) => [...series(each)]),
  });
  const latest = (
    { target, catalogue }: (typeof known)[number],
    value: (record: NonNullable<typeof catalogue.backups>[number]) => number,
  ) =>
    (['full', 'incremental'] as const).flatMap((type) => {
      const record = catalogue.backups?.findLast((each) => each.type === type);
      return record ? [{ labels: { target, type }, value: value(record) }] : [];
    });
  const copies = (
    { target, catalogue, running }: (typeof known)[number],
    value: (behind: ReturnType<typeof behindFirst>) => number,
  ): Series =>
    catalogue.repositories.slice(1).flatMap((place) => {
      if (!catalogue.backups || place.backups === null) return [];
      return [{ labels: { target, repository: place.name }, value: value(behindFirst(catalogue, place, running)) }];
    });
  return [
    gauge('age_seconds', 'How long ago the latest backup of a type ended', (each) =>
      latest(each, ({ endedAt }) => (now - endedAt.getTime()) / 1000),
    ),
    gauge('duration_seconds', 'How long the latest backup of a type took', (each) =>
      latest(each, ({ startedAt, endedAt }) => (endedAt.getTime() - startedAt.getTime()) / 1000),
    ),
    gauge('size_bytes', 'Bytes of the latest backup of a type', (each) =>
      latest(each, (record) => sizesOf(record).bytes),
    ),
    gauge('stored_bytes', 'Bytes that the latest backup of a type takes as it is stored', (each) =>
      latest(each, (record) => sizesOf(record).storedBytes),
    ),
    gauge('count', 'Backups in a repository', ({ target, catalogue }) =>
      catalogue.repositories.flatMap(({ name, backups }) =>
        backups === null ? [] : [{ labels: { target, repository: name }, value: backups }],
      ),
    ),
    gauge('repository_up', 'Whether a repository can be read', ({ target, catalogue }) =>
      catalogue.repositories.map(({ name, error }) => ({ labels: { target, repository: name }, value: error ? 0 : 1 })),
    ),
    gauge('copy_behind', 'Backups of the first repository that a copy lacks', (each) =>
      copies(each, (behind) => behind?.backups ?? 0),
    ),
    gauge(
      'copy_behind_seconds',
      'How long ago the oldest backup was made that a copy lacks; 0 when it lacks none',
      (each) => copies(each, (behind) => (behind ? (now - behind.since.getTime()) / 1000 : 0)),
    ),
    gauge('log_stored_bytes', 'Bytes of all log as it is stored', ({ target, catalogue }) =>
      catalogue.reachable ? [{ labels: { target }, value: catalogue.reachable.log.storedBytes }] : [],
    ),
    gauge('log_streaming', 'Whether the log is received', ({ target, log }) =>
      log ? [{ labels: { target }, value: log.state.phase === 'streaming' ? 1 : 0 }] : [],
    ),
    gauge('log_retained_bytes', 'Log that the server keeps for us', ({ target, log }) =>
      log && log.state.retainedBytes !== null ? [{ labels: { target }, value: log.state.retainedBytes }] : [],
    ),
    gauge('log_lag_bytes', 'Log that a repository does not have yet', ({ target, log }) =>
      (log?.state.repositories ?? []).flatMap(({ name, lagBytes }) =>
        lagBytes === null ? [] : [{ labels: { target, repository: name }, value: lagBytes }],
      ),
    ),
    gauge('log_lag_seconds', 'Since when there is log that a repository does not have yet', ({ target, log }) =>
      (log?.state.repositories ?? []).flatMap(({ name, lagMs }) =>
        lagMs === null ? [] : [{ labels: { target, repository: name }, value: lagMs / 1000 }],
      ),
    ),
    gauge(
      'drill_recovery_seconds',
      'Until the server was ready, of the last restore that proved a backup',
      ({ target, facts }) =>
        facts.drill?.ok && facts.drill.readyMs !== null
          ? [{ labels: { target }, value: facts.drill.readyMs / 1000 }]
          : [],
    ),
    gauge(
      'drill_age_seconds',
      'How long ago a restore last proved a backup; absent when the last one did not',
      ({ target, facts }) =>
        facts.drill?.ok ? [{ labels: { target }, value: (now - facts.drill.at.getTime()) / 1000 }] : [],
    ),
    gauge('runs', 'Runs that are remembered, of each kind the latest 500', ({ target, counts }) =>
      counts.map(({ kind, state, count }) => ({ labels: { target, kind, state }, value: count })),
    ),
  ];
}
