import { text as readText } from 'node:stream/consumers';
import { lsnOf } from '../../../engine/postgres/replication/index.ts';
import { PitcrewError } from '../../../errors.ts';
import type { Repository } from '../repository/index.ts';

/** A part of the way that the log takes to a timeline. */
export interface TimelinePart {
  timeline: number;
  /** Where the server was promoted to it; 0 for the first. */
  from: bigint;
  /** Where the next one began; `undefined` for the last. */
  to: bigint | undefined;
}

/** The way to a timeline, from the first one on: where each began, and where the next one branched off. */
export type TimelinePath = TimelinePart[];

/** The way of what stays on one timeline, or is not known to leave it. */
export const alone = (timeline: number): TimelinePath => [{ timeline, from: 0n, to: undefined }];

/** PostgreSQL's name of the history of a timeline. */
const historyName = (timeline: number): string => `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`;

/** So much is read of a file that has a line for each promotion. */
const largestHistory = 1024 * 1024;

/**
 * The way to a timeline, by its history in the repository. The first timeline has none.
 * @returns `undefined` when the history is not there
 * @throws {PitcrewError} `E_BACKUP_DAMAGED` for what is no history, and what reading throws
 */
export async function timelinePath(repository: Repository, timeline: number): Promise<TimelinePath | undefined> {
  if (timeline === 1) return alone(timeline);
  const content = await repository.readWal(historyName(timeline));
  return content && parseHistory(await readText(bounded(content)), timeline);
}

/**
 * Reads what PostgreSQL writes at a promotion: a line for each timeline before, with the position where the next one branched off.
 * @throws {PitcrewError} `E_BACKUP_DAMAGED`
 */
export function parseHistory(content: string, timeline: number): TimelinePath {
  const path: TimelinePath = [];
  let from = 0n;
  for (const line of content.split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, before = '', position = ''] = /^\s*(\d+)\s+(\S+)/.exec(line) ?? [];
    const to = lsnOf(position);
    const number = Number(before);
    if (to === undefined || to < from || number <= (path.at(-1)?.timeline ?? 0) || number >= timeline) {
      throw new PitcrewError('E_BACKUP_DAMAGED', `the history of timeline ${timeline} is damaged`, {
        detail: `It has the line ${JSON.stringify(line.slice(0, 100))}.`,
      });
    }
    path.push({ timeline: number, from, to });
    from = to;
  }
  return [...path, { timeline, from, to: undefined }];
}

/** The part of a way in which a position lies that was reached on a timeline; `undefined` when the way does not pass there. */
export function partOf(path: TimelinePath, timeline: number, lsn: bigint): TimelinePart | undefined {
  const part = path.find((each) => each.timeline === timeline);
  return part && lsn >= part.from && (part.to === undefined || lsn <= part.to) ? part : undefined;
}

/** The timeline that a way is on at a position. */
export const timelineAt = (path: TimelinePath, lsn: bigint): number | undefined =>
  path.find(({ to }) => to === undefined || lsn < to)?.timeline;

/**
 * The timeline that PostgreSQL takes for the latest: the last of those that follow on one without a number left out.
 * `histories`: those that are known.
 */
export function latestTimeline(from: number, histories: readonly number[]): number {
  const known = new Set(histories);
  let latest = from;
  while (known.has(latest + 1)) latest += 1;
  return latest;
}

async function* bounded(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const piece of content) {
    bytes += piece.length;
    if (bytes > largestHistory) throw new PitcrewError('E_BACKUP_DAMAGED', 'the history of a timeline is too long');
    yield piece;
  }
}
