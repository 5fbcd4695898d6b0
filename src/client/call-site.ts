import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where in the application something was called: a stack, which V8 writes out only when it is read. */
export interface CallSite {
  readonly stack?: string;
}

/** More would rarely be read; libraries between the application and the pool are seldom deeper. */
const framesKept = 16;

/**
 * The stack of the caller of `above`, without it. Costs a few microseconds.
 *
 * @param above the function that the application called; what it called in turn is left out
 */
export function captureCallSite(above: (...args: never[]) => unknown): CallSite {
  const site: CallSite = {};
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = framesKept;
  Error.captureStackTrace(site, above);
  Error.stackTraceLimit = before;
  return site;
}

/** The application's frames, innermost first: `load (src/orders.ts:12:15)`; those of libraries when there are no others. */
export function framesOf(site: CallSite): string[] {
  const all = allFrames(site);
  const own = all.filter((frame) => !isOurs(frame) && !frame.includes('/node_modules/'));
  return (own.length > 0 ? own : all).map(readable);
}

function allFrames(site: CallSite): string[] {
  return (site.stack ?? '')
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .map((line) => line.slice('    at '.length))
    .filter((frame) => !frame.includes('node:') && !/<anonymous>\)?$/.test(frame));
}

/** The folder of our own files; unknown in a bundle, which may hold the application's as well. */
const ourFolder = /\/client\/call-site\.[jt]s$/.test(import.meta.url) ? new URL('../', import.meta.url) : undefined;
const ourPath = ourFolder && fileURLToPath(ourFolder);

/** Tests stand beside our files and are applications of them. */
function isOurs(frame: string): boolean {
  if (!ourFolder || !ourPath || /\.test\.[jt]s:/.test(frame)) return false;
  return frame.includes(ourFolder.href) || frame.includes(ourPath);
}

/** Whether a file is one of Pitcrew's, by its path. */
export function isOwnFile(path: string): boolean {
  return ourPath !== undefined && path.startsWith(ourPath) && !/\.test\.[jt]s$/.test(path);
}

/** Paths as a person in the application's folder would write them. */
function readable(frame: string): string {
  return frame.replace(/(?:file:\/\/)?(\/[^():]+)/, (_, path: string) => {
    const short = relative(process.cwd(), path);
    return short.startsWith('..') ? path : short;
  });
}
