import type { AdviceList } from '../../../src/server/api/advice.ts';
import { type Choice, SearchField, SelectField } from '../components/filters.tsx';
import { exact } from '../format/quantity.ts';
import { kindWord } from './words.ts';

/** What takes all filters away. */
export const noFilters = { search: null, severity: null, kind: null, check: null, page: null };

/** By words, severity, what is to be done, and check; each says how much there is. */
export function AdviceFilters({ facets: { severities, kinds, checks } }: Pick<AdviceList, 'facets'>) {
  const ranked = (['critical', 'warning', 'info'] as const).filter((severity) => severities[severity] !== undefined);
  return (
    <div class="filters advice-filters">
      <SearchField label="Search by table or words" />
      <SelectField
        name="severity"
        label="Severity"
        all="Any severity"
        options={ranked.map((severity) => choice(severity, severity, severities[severity]))}
      />
      <SelectField
        name="kind"
        label="What to do"
        all="Anything to do"
        // What is only to be looked at has no kind.
        options={choices(kinds, kindWord).filter(({ value }) => value !== '')}
      />
      <SelectField name="check" label="Check" all="All checks" options={choices(checks, (check) => check)} />
    </div>
  );
}

function choices(counts: Readonly<Record<string, number>>, wordOf: (value: string) => string): Choice[] {
  return Object.entries(counts)
    .map(([value, count]) => choice(value, wordOf(value), count))
    .toSorted((a, b) => a.title.localeCompare(b.title));
}

function choice(value: string, word: string, count = 0): Choice {
  return { value, title: `${word} (${exact(count)})` };
}
