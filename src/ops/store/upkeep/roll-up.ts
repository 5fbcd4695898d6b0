import type { ClientBase } from 'pg';
import { families, type FamilyDefinition, familyNames } from '../families.ts';
import { rollUpRows } from '../family-sql.ts';
import { coarserLevel, finerLevel, floorTo, levelNames, levelSeconds, type LevelName, partitionMs } from '../levels.ts';
import { listPartitions, type Partition, partitionAt, type Partitions } from '../partitions.ts';
import { inTransaction } from '../transaction.ts';
import type { Family } from '../types.ts';

/** Samples usually arrive within this time; later ones are right too, but cost an update of the roll-up. */
const graceMs = 15_000;

/** How much of the coarser level one transaction makes: quick, and far ahead of real time when catching up. */
const stepMs: Readonly<Partial<Record<LevelName, number>>> = {
  minute: 3_600_000,
  quarterHour: 24 * 3_600_000,
  hour: 7 * 24 * 3_600_000,
};

/**
 * Rolls up everything that is complete at `now` (ms since 1970), level by level. A level is right up to its watermark,
 * which moves in the transaction that makes the rows; a batch that comes later adds itself (`addLate`). Several daemons
 * may do this at once: each watermark is moved by one at a time.
 */
export async function rollUp(client: ClientBase, partitions: Partitions, now: number): Promise<void> {
  for (const family of familyNames) {
    for (const level of levelNames) {
      if (finerLevel(level) === undefined) continue;
      // Several steps only when catching up after a pause.
      while (await rollUpStep(client, partitions, families[family], level, now));
    }
  }
}

/** Moves one watermark by at most one step; false when there is nothing more to do, or another daemon is at it. */
async function rollUpStep(
  client: ClientBase,
  partitions: Partitions,
  definition: FamilyDefinition,
  level: LevelName,
  now: number,
): Promise<boolean> {
  const next = await nextStep(client, definition.family, level, now);
  if (!next) return false;
  await partitions.ensure(client, partitionsBetween(definition.family, level, next.from, next.to));
  return inTransaction(client, async () => {
    // Writers hold this row FOR SHARE until they commit: what is committed below the new watermark is all there will be,
    // and whoever writes later sees the new one.
    const { rows } = await client.query<{ rolled: Date | null }>(
      `
       SELECT rolled_to AS rolled
       FROM   pitcrew.progress
       WHERE  family = $1 AND level = $2
       FOR    UPDATE SKIP LOCKED`,
      [definition.family, level],
    );
    const row = rows[0];
    if (!row || (row.rolled?.getTime() ?? null) !== next.rolledTo) return false;
    // Something older may have been written before this was locked: then the step begins earlier.
    if ((await nextStep(client, definition.family, level, now))?.from !== next.from) return true;
    await client.query(rollUpRows(definition, level), [new Date(next.from), new Date(next.to)]);
    await client.query('UPDATE pitcrew.progress SET rolled_to = $3 WHERE family = $1 AND level = $2', [
      definition.family,
      level,
      new Date(next.to),
    ]);
    return true;
  });
}

interface Step {
  from: number;
  to: number;
  /** The watermark from which the step was worked out. */
  rolledTo: number | null;
}

async function nextStep(client: ClientBase, family: Family, level: LevelName, now: number): Promise<Step | undefined> {
  const finer = finerLevel(level) ?? 'raw';
  const progress = await readProgress(client);
  const rolledTo = progress.get(`${family}/${level}`)?.rolledTo ?? null;
  // Rows of some seconds are complete when these are over.
  const openMs = (families[family].rawSeconds ?? 0) * 1000;
  const complete =
    finer === 'raw' ? now - graceMs - openMs : (progress.get(`${family}/${finer}`)?.rolledTo ?? -Infinity);
  const limit = floorTo(complete, levelSeconds[level] * 1000);
  if (rolledTo !== null && limit <= rolledTo) return undefined;
  // Time without partitions has no samples: jump over it, however long a daemon was away.
  const parts = (await listPartitions(client)).filter((part) => part.family === family && part.level === finer);
  const first = parts.find((part) => part.to > (rolledTo ?? -Infinity));
  const from = Math.max(rolledTo ?? -Infinity, first?.from ?? limit);
  if (from >= limit) return undefined;
  return { from, to: Math.min(limit, from + (stepMs[level] ?? 0)), rolledTo };
}

function partitionsBetween(family: Family, level: LevelName, from: number, to: number): Partition[] {
  const parts: Partition[] = [];
  for (let time = from; time < to; time = floorTo(time, partitionMs[level]) + partitionMs[level]) {
    parts.push(partitionAt(family, level, time));
  }
  return parts;
}

/** Where a level stands, in ms since 1970. */
interface LevelProgress {
  /** Made from the finer level up to here; `null`: not at all yet. */
  rolledTo: number | null;
  /** Complete from here on; `null`: nothing was ever dropped. */
  keptFrom: number | null;
}

/** Progress by `family/level`. */
export type Progress = ReadonlyMap<string, LevelProgress>;

export async function readProgress(client: Pick<ClientBase, 'query'>): Promise<Progress> {
  const { rows } = await client.query<{ family: Family; level: LevelName; rolled: Date | null; kept: Date | null }>(
    'SELECT family, level, rolled_to AS rolled, kept_from AS kept FROM pitcrew.progress',
  );
  return new Map(
    rows.map(({ family, level, rolled, kept }) => [
      `${family}/${level}`,
      { rolledTo: rolled?.getTime() ?? null, keptFrom: kept?.getTime() ?? null },
    ]),
  );
}

/** Whether everything in a partition is in the coarser level too, so that it may be dropped. */
export function isRolledUp(progress: Progress, { family, level, to }: Partition): boolean {
  const coarser = coarserLevel(level);
  return coarser === undefined || (progress.get(`${family}/${coarser}`)?.rolledTo ?? -Infinity) >= to;
}
