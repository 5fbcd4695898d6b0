import { useState } from 'preact/hooks';
import type { AnalyzeAnswer } from '../../../src/server/api/queries.ts';
import { databaseUrl } from '../data/api.ts';
import { failureFrom, request, type Failure } from '../data/client.ts';
import { useUrl } from '../data/use-url.ts';

export type AnalyzeState =
  | { step: 'none' | 'asking' }
  | { step: 'failed'; failure: Failure }
  | { step: 'done'; answer: AnalyzeAnswer };

/** Asks for the plan of a statement, or for what a given plan says. */
export function useAnalyze(): { state: AnalyzeState; ask: (body: object) => Promise<void> } {
  const { query } = useUrl();
  const [state, setState] = useState<AnalyzeState>({ step: 'none' });
  const ask = async (body: object): Promise<void> => {
    setState({ step: 'asking' });
    try {
      const answer = await request<AnalyzeAnswer>(databaseUrl('/queries/analyze', query), { method: 'POST', body });
      setState({ step: 'done', answer });
    } catch (thrown) {
      setState({ step: 'failed', failure: failureFrom(thrown) });
    }
  };
  return { state, ask };
}
