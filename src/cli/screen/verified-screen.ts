import type { Gap, Problem, Verified } from '../../ops/backup/index.ts';
import { paint } from '../output.ts';
import { formatBytes } from './format.ts';

/** What was found: each backup, the log, and what is only said. */
export function verifiedLines(repository: string, { backups, log, ...rest }: Verified): string[] {
  const lines = backups.flatMap(({ backup, problems, bytes, skippedBytes, segments, removed }) => [
    removed
      ? `${backup.id}  was removed meanwhile`
      : problems.length === 0
        ? `${backup.id}  ${paint('green', 'as it was stored')}: ${amount(bytes, skippedBytes)}, ${count(segments, 'segment')} of log`
        : `${backup.id}  ${paint(['red', 'bold'], 'damaged')}`,
    ...problemLines(problems),
  ]);
  if (lines.length === 0) lines.push(`No complete backup is in ${repository}.`);
  if (log.segments > 0) {
    const fact = log.problems.length === 0 ? '' : `  ${paint(['red', 'bold'], 'damaged')}`;
    lines.push(`Log: ${count(log.segments, 'segment')}, ${amount(log.bytes, log.skippedBytes)}${fact}`);
  }
  lines.push(...problemLines(log.problems), ...log.gaps.map(gapLine));
  if (log.unchecked > 0) {
    lines.push(
      `  ${count(log.unchecked, 'file')} of the log ${log.unchecked === 1 ? 'has' : 'have'} no checksum and cannot be checked without a key: give --identity.`,
    );
  }
  const { strays, unfinished, notRemembered } = rest;
  for (const id of unfinished) lines.push(`${id} is not complete: it is being made, or its maker died.`);
  if (strays.length > 0) {
    lines.push(paint('yellow', 'Belongs to nothing:'), ...strays.map((key) => `  ${key}`));
  }
  if (notRemembered !== undefined) lines.push(`What was found could not be remembered: ${notRemembered}`);
  return lines;
}

const problemLines = (problems: readonly Problem[]): string[] =>
  problems.map(({ what, problem }) => `  ${what}: ${problem}`);

function gapLine({ first, last, segments, reason }: Gap): string {
  const which = segments === 1 ? first : `${first} to ${last} (${segments} segments)`;
  return `  ${paint('yellow', 'Gap')}: ${which} is not there${reason === undefined ? '' : ` (${reason})`}. From the backups before, no moment in it or after it can be reached.`;
}

function amount(bytes: number, skippedBytes: number): string {
  if (skippedBytes === 0) return formatBytes(bytes);
  const skipped = `${formatBytes(skippedBytes)} found whole before`;
  return bytes === 0 ? skipped : `${formatBytes(bytes)}, ${skipped}`;
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
