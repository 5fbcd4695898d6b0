import { describe, placeholdersOf, valuesShown } from '../../../sql/index.ts';
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
  const forms = formsOf(text);
  const lists = told.flatMap(({ text: toldText, samples }) => {
    const { shape, order } = placeholdersOf(toldText);
    const form = forms.find((each) => each.shape === shape);
    if (!form) return [];
    return [
      samples.map((values) => {
        const sample = Array.from<string | null | undefined>({ length: form.count });
        for (const [place, numbers] of form.numbers.entries()) {
          for (const number of numbers) sample[number - 1] = values[order[place] ?? 0];
        }
        return sample;
      }),
    ];
  });
  const turns = Math.max(0, ...lists.map(({ length }) => length));
  const inTurn = Array.from({ length: turns }, (_, turn) => lists.flatMap((samples) => samples.slice(turn, turn + 1)));
  return inTurn.flat().slice(0, mostSamples);
}

/** A shape in which a text may be told of. */
interface Form {
  shape: string;
  /** Which placeholders of the text stand where the first, second … of the shape stand. */
  numbers: readonly (readonly number[])[];
  /** How many values the text takes. */
  count: number;
}

/**
 * A text as it is, and with lists cut as applications tell of them: servers before PostgreSQL 18 show every value of a list, which is then
 * planned with the first one as often as the list is long.
 */
function formsOf(text: string): Form[] {
  const { shape, order } = placeholdersOf(text);
  const count = Math.max(0, ...order);
  const forms: Form[] = [{ shape, numbers: order.map((number) => [number]), count }];
  const { normalized } = describe(text);
  const cut = placeholdersOf(normalized);
  const shown = cut.shape === shape ? undefined : valuesShown(text, normalized);
  if (!shown) return forms;
  const numbers = cut.order.map((number) => {
    const value = shown.get(number);
    return value && 'parameter' in value ? [value.parameter, ...(value.others ?? [])] : [];
  });
  return [...forms, { shape: cut.shape, numbers, count }];
}
