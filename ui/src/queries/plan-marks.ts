import type { QueryDetail } from '../../../src/server/api/queries.ts';
import type { Mark } from '../components/marks.ts';
import type { Tone } from '../components/status.tsx';

type Change = QueryDetail['planChanges'][number];

/** What a change of plan did, in a word. */
export const verdicts: Readonly<Record<Change['verdict'], { word: string; tone: Tone }>> = {
  slower: { word: 'Slower', tone: 'warning' },
  faster: { word: 'Faster', tone: 'ok' },
  similar: { word: 'As before', tone: 'info' },
  pending: { word: 'Not yet known', tone: 'unknown' },
  unknown: { word: 'Not known', tone: 'unknown' },
};

/** Changes of plan, as charts mark them; what is not known of them is not said there. */
export function planMarks(changes: readonly Change[]): Mark[] {
  return changes.map(({ at, verdict }) => {
    const { word, tone } = verdicts[verdict];
    return {
      at: Date.parse(at),
      tone,
      text: tone === 'unknown' ? 'plan changed' : `plan changed · ${word.toLowerCase()}`,
    };
  });
}
