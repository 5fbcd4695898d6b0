import { describe, placeholdersOf } from '../../../sql/index.ts';
import type { History, ParameterSamples } from '../../store/index.ts';
import { mostSamples } from './gather.ts';
import type { ParameterSample, Workload } from './types.ts';

export interface ObservedValuesOptions {
  /** The target's number in the store. */
  targetId: number;
  /** Those of one application; of all by default. */
  application?: string | undefined;
}

/**
 * Gives statements the values that applications told they are called with, in place of values made up from statistics: they have the
 * shares that values have in calls, which are seldom those that they have in the table. A statement of the server is the application's
 * where both have the same fingerprint and the texts are the same but for white space, comments, the case of words and the numbers of their
 * placeholders; otherwise it could not be told which value belongs where, and it gets none.
 */
export async function withObservedValues(
  workload: Workload,
  history: Pick<History, 'parameterSamples'>,
  options: ObservedValuesOptions,
): Promise<Workload> {
  const fingerprints = new Map(
    workload.statements.flatMap(({ id, text, samples }) =>
      samples.length === 0 && /\$\d/.test(text) ? [[id, describe(text).fingerprint] as const] : [],
    ),
  );
  const told = await history.parameterSamples({
    targetId: options.targetId,
    fingerprints: [...new Set(fingerprints.values())],
    ...(options.application === undefined ? {} : { application: options.application }),
  });
  const byFingerprint = Map.groupBy(told, ({ fingerprint }) => fingerprint);
  return {
    ...workload,
    statements: workload.statements.map((statement) => {
      const found = byFingerprint.get(fingerprints.get(statement.id) ?? '');
      const samples = found ? samplesFor(statement.text, found) : [];
      return samples.length > 0 ? { ...statement, samples, samplesAreData: true } : statement;
    }),
  };
}

/** Of several applications, in turn. */
function samplesFor(text: string, told: readonly ParameterSamples[]): ParameterSample[] {
  const own = placeholdersOf(text);
  const lists = told.flatMap(({ text: toldText, samples }) => {
    const { shape, order } = placeholdersOf(toldText);
    if (shape !== own.shape) return [];
    return [
      samples.map((values) => {
        const sample = Array.from<string | null | undefined>({ length: Math.max(0, ...own.order) });
        for (const [place, number] of own.order.entries()) sample[number - 1] = values[order[place] ?? 0];
        return sample;
      }),
    ];
  });
  const turns = Math.max(0, ...lists.map(({ length }) => length));
  const inTurn = Array.from({ length: turns }, (_, turn) => lists.flatMap((samples) => samples.slice(turn, turn + 1)));
  return inTurn.flat().slice(0, mostSamples);
}
