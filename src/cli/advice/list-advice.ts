import { adviceList, type AdviceList, type AdviceSummary } from '../../server/api/advice.ts';
import type { DaemonClient } from '../daemon-client.ts';

export type AdviceFilters = Record<'state' | 'kind' | 'check' | 'severity' | 'search', string | undefined>;

/** What the API gives at once. */
const pageSize = 500;

/** Advice that fits, at most `limit`: page after page, as far as there is more. */
export async function listAdvice(client: DaemonClient, filters: AdviceFilters, limit: number): Promise<AdviceList> {
  const ask = (offset: number) =>
    client.ask(adviceList, '/advice', {
      query: { ...filters, limit: String(Math.min(pageSize, limit - offset)), offset: String(offset) },
    });
  const first = await ask(0);
  const advice = new Map<number, AdviceSummary>(first.advice.map((each) => [each.id, each]));
  for (let offset = pageSize; offset < Math.min(limit, first.count); offset += pageSize) {
    const { advice: page } = await ask(offset);
    if (page.length === 0) break;
    // What has moved to the next page in between is not listed twice.
    for (const each of page) advice.set(each.id, each);
  }
  return { ...first, advice: [...advice.values()] };
}

/** How much of what fits is to be decided, on whichever page it is. `states`: those asked for, separated by commas. */
export function toDecide({ facets }: AdviceList, states: string | undefined): number {
  const open = (['found', 'planned', 'failed'] as const).filter(
    (state) => states === undefined || states.split(',').includes(state),
  );
  return open.reduce((sum, state) => sum + (facets.states[state] ?? 0), 0);
}
