import type { MissingLog, Reachable, ReachableWindow } from '../../ops/backup/index.ts';
import { paint } from '../output.ts';

/** What can be restored: a line for each stretch of time, and what is in between or in the way. Nothing without a backup. */
export function reachableLines(
  { windows, gaps, unusable, unreadTimelines }: Reachable,
  missingText: (missing: MissingLog) => string,
): string[] {
  return [
    ...windows.map((window) => `Restores ${windowText(window)}.`),
    ...gaps.map(
      (gap) =>
        `${paint('yellow', 'Missing log:')} ${missingText(gap)} of timeline ${gap.timeline}. No second in it, or behind it, is reached from backups before it.`,
    ),
    ...unusable.map(
      ({ backup, missing }) =>
        `${paint('yellow', 'Cannot be restored:')} ${backup}, without ${missing.map(missingText).join('; ')}.`,
    ),
    ...(unreadTimelines.length === 0
      ? []
      : [`Without a key it cannot be told what leads to timeline ${unreadTimelines.join(', ')}.`]),
  ];
}

function windowText({ from, to, backups }: ReachableWindow): string {
  const [first = '', ...others] = backups;
  const way = others.length === 0 ? first : `${first} and ${others.length} later`;
  const timeline = from.timeline === to.timeline ? '' : `, from timeline ${from.timeline} to ${to.timeline}`;
  const [begin, end] = [second(from.at), second(to.at)];
  if (begin === end) return `${begin} (${way}${timeline})`;
  return `any second from ${begin} to about ${end} (${way}${timeline})`;
}

/** `2026-11-30 01:45:10 UTC` */
const second = (at: Date): string => `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
