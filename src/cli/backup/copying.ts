import { type PitcrewError, toPitcrewError } from '../../errors.ts';
import type { BackupRecord, DumpRecord, Mirrored, Repository } from '../../ops/backup/index.ts';
import { counted } from '../../ops/words/index.ts';
import { note } from '../output.ts';
import { progressLine } from '../progress-line.ts';
import { formatBytes } from '../screen/format.ts';
import { progressTexts } from './progress-text.ts';

/** What came of copying to one repository. */
export interface Copied {
  repository: string;
  copied: Mirrored | null;
  /** Why it was not copied, or not all of it. */
  error: string | null;
}

/** Copies to each of some repositories, one after the other: one that cannot be reached does not hold up the others, and catches up the next time. */
export async function copyToEach(
  from: Repository,
  targets: readonly Repository[],
  options: {
    backups?: readonly BackupRecord[] | undefined;
    dumps?: readonly DumpRecord[] | undefined;
    quiet: boolean;
    signal: AbortSignal;
  },
): Promise<Copied[]> {
  const { mirror } = await import('../../ops/backup/index.ts');
  const { backups, dumps, quiet, signal } = options;
  const all: Copied[] = [];
  for (const to of targets) {
    const progress = progressLine(quiet);
    const text = progressTexts('Copying');
    try {
      const onProgress = (at: { doneBytes: number; totalBytes: number }): void =>
        progress.show(text(at.doneBytes, at.totalBytes));
      const copied = await mirror({ from, to, backups, dumps, signal, onProgress });
      progress.end(`Copied to ${to.name}.`);
      all.push({ repository: to.name, copied, error: null });
    } catch (error) {
      signal.throwIfAborted();
      const failure = toPitcrewError(error);
      note(failureText(`Not copied to ${to.name}`, failure));
      all.push({ repository: to.name, copied: null, error: failure.message });
    }
  }
  return all;
}

/**
 * Has pins of a repository hold in others at once, rather than from the next copy on. One that cannot be reached is told.
 * @returns whether they hold in all
 */
export async function pinsToEach(from: Repository, others: readonly Repository[]): Promise<boolean> {
  const { mirrorPins } = await import('../../ops/backup/index.ts');
  let everywhere = true;
  for (const to of others) {
    try {
      await mirrorPins(from, to);
    } catch (error) {
      everywhere = false;
      note(failureText(`Pins are not the same in ${to.name} yet`, toPitcrewError(error)));
    }
  }
  return everywhere;
}

/** In words. */
export function copiedLine({ repository, copied }: Copied): string {
  if (!copied) return `${repository}: not copied`;
  const { backups, dumps, segments, pins, gaps, bytes } = copied;
  const what = [
    ...backups,
    ...dumps,
    ...(segments > 0 ? [`${counted(segments, 'file')} of log`] : []),
    ...(pins > 0 ? [counted(pins, 'pin')] : []),
    ...(gaps > 0 ? [`what is known of ${counted(gaps, 'gap')} in the log`] : []),
  ];
  if (what.length === 0) return `${repository}: nothing was missing`;
  return `${repository}: ${what.join(', ')}${bytes > 0 ? `; ${formatBytes(bytes)}` : ''}`;
}

function failureText(what: string, { code, message, detail, hint }: PitcrewError): string {
  const more = [detail, hint].flatMap((text) => (text === undefined ? [] : [`  ${text}`]));
  return [`${what}: ${message} (${code})`, ...more, '  The next copy catches up.'].join('\n');
}
