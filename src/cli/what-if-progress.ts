import type { AdviceProgress } from '../ops/advisor/index.ts';
import type { TwinProgress } from '../ops/whatif/index.ts';

const stages: Record<TwinProgress['stage'], string> = {
  server: 'starting',
  catalog: 'reading the catalog',
  schema: 'making the schema',
  indexes: 'making indexes',
  statistics: 'carrying statistics over',
  sizes: 'giving files their sizes',
};

/** How far a twin is, for the line of progress. */
export function sayTwinProgress({ stage, done, total }: TwinProgress): string {
  return `twin: ${stages[stage]}${total > 1 ? ` ${done} of ${total}` : ''}`;
}

const verbs: Record<AdviceProgress['phase'], string> = {
  reading: 'reading the catalog',
  planning: 'planning',
  choosing: 'choosing',
  refining: 'refining',
};

/** How far the choice of indexes is. */
export function sayAdviceProgress({ phase, done, total }: AdviceProgress): string {
  return total > 1 ? `${verbs[phase]}: ${done} of ${total} statements` : verbs[phase];
}
