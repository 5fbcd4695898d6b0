import { leftOfDumps, readDumps, removeDump } from '../dump/dumps.ts';
import { type DumpDecision, decideDumps } from '../dump/retain-dumps.ts';
import { type BackupRecord, type Repository, tidy } from '../repository/index.ts';
import { readPins } from './pins.ts';
import { decide, protectors } from './decide.ts';
import type { Decision } from './decision.ts';
import { firstOnward, type LogNeeds, logOf, spareGap, spareIn, sumLog } from './log-needs.ts';
import type { RetentionPolicy } from './policy.ts';

/** What would be removed, and was unless it was only looked at. */
export interface Pruned {
  /** All backups, newest first. */
  decisions: Decision[];
  /** Segments of log that no kept backup needs: how many, and the first and last of them. */
  segments: { count: number; first: string | null; last: string | null };
  /** Records of lost log that no kept backup would reach any more, by their first segments. */
  gaps: string[];
  /** Of what is removed, as it is stored. */
  freedBytes: number;
  /** Of what stays, backups and log. */
  keptBytes: number;
  /** The limit that what stays is still beyond, because the rest is pinned, needed or of the last; else `null`. */
  beyondBytes: number | null;
  /** What killed backups had left. */
  leftovers: string[];
  /** All dumps, newest first. */
  dumps: DumpDecision[];
}

/**
 * Removes the backups that a policy does not keep, the log that no kept one needs, and what is left of backups that died. Whoever dies in between leaves
 * something that the next prune removes, and never a backup without what it needs: what builds on others goes before them, and log after all. What is
 * pinned meanwhile, or what a backup builds on that has begun meanwhile, stays. A backup that is being made is not touched,
 * and no log as long as there is one: it may have begun before all that are kept.
 */
export async function prune(
  repository: Repository,
  { policy, dryRun }: { policy: RetentionPolicy; dryRun: boolean },
): Promise<Pruned> {
  // Before anything else is read: one that becomes complete meanwhile is not among the backups, and needs its log.
  const isQuiet = (await repository.running()).length === 0;
  const backups = await repository.backups();
  const log = await sumLog(repository, backups);
  const { decisions, asOf, needs, keptBytes } = decide(backups, policy, { log, ...(await whatProtects(repository)) });
  const removed: BackupRecord[] = [];
  for (const decision of decisions) {
    if (decision.keep) continue;
    // What came meanwhile counts, up to the last moment.
    if (!dryRun) rescue(decisions, removed, protectors(await whatProtects(repository), asOf));
    if (decision.keep) continue;
    if (!dryRun) await repository.remove(decision.backup.id);
    removed.push(decision.backup);
  }
  const stays = withRescued(needs, decisions);
  const isSpare = spareIn(stays);
  let freedBytes = removed.flatMap(({ files }) => files).reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  const segments: Pruned['segments'] = { count: 0, first: null, last: null };
  const segmentBytes = backups[0]?.segmentBytes;
  const gaps: string[] = [];
  if (segmentBytes !== undefined && isQuiet) {
    for await (const segment of logOf(repository, segmentBytes)) {
      if (!isSpare(segment)) continue;
      if (!dryRun) {
        // Before the first of them goes: a check must not take it for a loss.
        if (segments.count === 0) await tellTrimmed(repository, stays);
        await repository.removeWal(segment.key);
      }
      segments.count += 1;
      segments.first ??= segment.name;
      segments.last = segment.name;
      freedBytes += segment.bytes;
    }
    for (const gap of await repository.gaps()) {
      if (!spareGap(stays, gap)) continue;
      if (!dryRun) await repository.removeGap(gap.first);
      gaps.push(gap.first);
    }
  }
  const leftovers = await (dryRun ? repository.leftovers() : tidy(repository));
  const dumps = decideDumps(await readDumps(repository), policy);
  for (const { dump, keep } of dumps) {
    if (keep) continue;
    freedBytes += dump.file.storedBytes;
    if (!dryRun) await removeDump(repository, dump.id);
  }
  if (!dryRun) for (const key of await leftOfDumps(repository)) await repository.storage.delete(key);
  const { maxBytes } = policy;
  const beyondBytes = maxBytes !== undefined && keptBytes > maxBytes ? maxBytes : null;
  return { decisions, segments, gaps, freedBytes, keptBytes, beyondBytes, leftovers, dumps };
}

async function whatProtects(repository: Repository) {
  return { pins: await readPins(repository), running: await repository.running() };
}

/** What was kept after all has its log as well. */
function withRescued({ onward }: LogNeeds, decisions: readonly Decision[]): LogNeeds {
  const kept = decisions.filter(({ keep }) => keep);
  const running = kept.filter(({ classes }) => classes.includes('running')).map(({ backup }) => backup);
  return { kept: kept.map(({ backup }) => backup), onward: [...new Set([...onward, ...running])] };
}

/** Writes down from where on all log stays, unless that is known of a later place. */
async function tellTrimmed(repository: Repository, needs: LogNeeds): Promise<void> {
  const first = firstOnward(needs);
  const known = await repository.trimmed();
  if (!first || (known && known.timeline >= first.timeline && known.beforeLsn >= first.lsn)) return;
  await repository.putTrimmed({ format: 1, timeline: first.timeline, beforeLsn: first.lsn, at: new Date() });
}

/** Keeps what is protected after all, and what that builds on. */
function rescue(
  decisions: readonly Decision[],
  removed: readonly BackupRecord[],
  protectedNow: ReturnType<typeof protectors>,
): void {
  const going = new Map(decisions.flatMap((each) => (each.keep ? [] : [[each.backup.id, each]])));
  for (const { id } of removed) going.delete(id);
  for (const [id, reason, why] of protectedNow) {
    let text = reason;
    for (let at = going.get(id); at && !at.keep; at = going.get(at.backup.parent ?? '')) {
      Object.assign(at, { keep: true, reasons: [text], classes: [text === reason ? why : 'parent'] });
      text = `needed by ${at.backup.id}`;
    }
  }
}
