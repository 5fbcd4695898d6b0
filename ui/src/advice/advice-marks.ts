import type { QueryDetail } from '../../../src/server/api/queries.ts';
import type { Mark } from '../components/marks.ts';

type Applied = QueryDetail['appliedAdvice'][number];

const words: Readonly<Record<string, Readonly<Record<Applied['what'], string>>>> = {
  'create-index': { applied: 'index made', undone: 'index taken back' },
  'drop-index': { applied: 'index dropped', undone: 'index made again' },
};

/** Advice that was applied or undone, as charts mark it. */
export function adviceMarks(applied: readonly Applied[], to: (path: string) => string): Mark[] {
  return applied.map(({ at, what, id, kind }) => ({
    at: Date.parse(at),
    tone: 'info',
    text: words[kind]?.[what] ?? `advice ${what}`,
    href: to(`/advice/${id}`),
  }));
}
