import type { Mark } from './marks.ts';
import { Time } from './value.tsx';

/** More are said to be there. */
const shown = 6;

/** What charts mark, in words: for those who do not see it, and with the way to what it was. */
export function MarkList({ marks }: { marks: readonly Mark[] }) {
  if (marks.length === 0) return null;
  const latest = marks.toSorted((a, b) => b.at - a.at);
  return (
    <ul class="marks" aria-label="Marked in the charts">
      {latest.slice(0, shown).map(({ at, text, tone, href }) => (
        <li key={`${at} ${text}`}>
          <span class={`mark-sign tone-${tone}`} />
          <Time at={at} />
          {href === undefined ? text : <a href={href}>{text}</a>}
        </li>
      ))}
      {latest.length > shown && <li>and {latest.length - shown} more before</li>}
    </ul>
  );
}
