import { type PitcrewError, toPitcrewError } from '../../errors.ts';
import type { BackupRecord, Mirrored, Repository } from '../../ops/backup/index.ts';
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
  options: { backups?: readonly BackupRecord[] | undefined; quiet: boolean; signal: AbortSignal },
): Promise<Copied[]> {
  const { mirror } = await import('../../ops/backup/index.ts');
  const { backups, quiet, signal } = options;
  const all: Copied[] = [];
  for (const to of targets) {
    const progress = progressLine(quiet);
    const text = progressTexts('Copying');
    try {
      const onProgress = (at: { doneBytes: number; totalBytes: number }): void =>
        progress.show(text(at.doneBytes, at.totalBytes));
      const copied = await mirror({ from, to, backups, signal, onProgress });
      progress.end(`Copied to ${to.name}.`);
      all.push({ repository: to.name, copied, error: null });
    } catch (error) {
      signal.throwIfAborted();
      const failure = toPitcrewError(error);
      note(notCopied(to.name, failure));
      all.push({ repository: to.name, copied: null, error: failure.message });
    }
  }
  return all;
}

/** In words. */
export function copiedLine({ repository, copied }: Copied): string {
  if (!copied) return `${repository}: not copied`;
  const { backups, segments, bytes } = copied;
  const what = backups.length === 0 && segments === 0 ? 'nothing was missing' : `${backups.join(', ') || 'no backup'}`;
  return `${repository}: ${what}${segments > 0 ? `, ${segments} files of log` : ''}${bytes > 0 ? `, ${formatBytes(bytes)}` : ''}`;
}

function notCopied(name: string, { code, message, detail, hint }: PitcrewError): string {
  const more = [detail, hint].flatMap((text) => (text === undefined ? [] : [`  ${text}`]));
  return [`Not copied to ${name}: ${message} (${code})`, ...more, '  The next copy catches up.'].join('\n');
}
