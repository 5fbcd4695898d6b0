import { formatBytes, formatMs } from '../screen/format.ts';

/** So much has to be behind us before the rest is foretold. */
const surelyMs = 3000;

/**
 * Tells how far something is: `Copying: 45 % of 2.1 GiB, 120 MiB/s, 10 s left`.
 * @returns a function of what is done and of all there is, in bytes; time counts from its first call on
 */
export function progressTexts(verb: string): (doneBytes: number, totalBytes: number) => string {
  let began: number | undefined;
  return (doneBytes, totalBytes) => {
    began ??= performance.now();
    const elapsedMs = performance.now() - began;
    const share = totalBytes > 0 ? Math.min(1, doneBytes / totalBytes) : 0;
    const text = `${verb}: ${Math.floor(share * 100)} % of ${formatBytes(totalBytes)}`;
    if (elapsedMs < surelyMs || doneBytes === 0) return text;
    const left = share > 0 ? `, ${formatMs((elapsedMs / share) * (1 - share))} left` : '';
    return `${text}, ${formatBytes((doneBytes / elapsedMs) * 1000)}/s${left}`;
  };
}
