import { z } from 'zod';
import { PitcrewError } from '../../../errors.ts';
import { splitStatements } from '../../../sql/index.ts';
import { type Counted, gather } from './gather.ts';
import type { ParameterSample, Workload } from './types.ts';

const statement = z.object({
  text: z.string().min(1),
  callsPerHour: z.number().nonnegative().default(1),
  /** Mean time in ms, where it was measured. */
  meanMs: z.number().nonnegative().optional(),
  searchPath: z.string().optional(),
  /** One sample of values, or several. */
  parameters: z
    .union([z.array(z.string().nullable()), z.array(z.array(z.string().nullable()))])
    .transform((value): ParameterSample[] => (value.every(Array.isArray) ? value : [value]) as ParameterSample[])
    .default([]),
});

/** `-- weight: 100`, `-- calls: 100`: how often an hour; `-- parameters: ["7", null]`: values of `$1`, `$2`. */
const note = /^\s*--\s*(weight|calls|parameters)\s*:\s*(.+?)\s*$/i;

/**
 * A workload from a file: SQL, each statement ended by a semicolon, with comments before it that say how often it is called; or a JSON
 * list of `{ "text", "callsPerHour", "meanMs", "searchPath", "parameters" }`. Each statement counts once an hour unless it says otherwise.
 * @throws {PitcrewError} `E_BAD_REQUEST` for what cannot be read, with the place, and for a file without statements.
 */
export async function workloadFromFile(text: string, options: { most?: number } = {}): Promise<Workload> {
  const counted = text.trimStart().startsWith('[') ? fromJson(text) : fromSql(text);
  if (counted.length === 0) throw refusal('It has no statements.');
  return gather('file', counted, options);
}

function fromSql(text: string): Counted[] {
  return splitStatements(text).map(({ text: sql, before }, index) => {
    const notes = before.split('\n').flatMap((line) => {
      const [, name, value] = note.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [{ name: name.toLowerCase(), value }];
    });
    const calls = notes.findLast(({ name }) => name !== 'parameters')?.value ?? '1';
    const callsPerHour = Number(calls);
    if (!Number.isFinite(callsPerHour) || callsPerHour < 0) {
      throw refusal(`Statement ${index + 1}: "${calls}" is no number of calls.`);
    }
    const samples = notes.filter(({ name }) => name === 'parameters').map(({ value }) => sampleOf(value, index));
    return { id: String(index + 1), text: sql, callsPerHour, meanMs: null, samples };
  });
}

function sampleOf(value: string, index: number): ParameterSample {
  const parsed = z.array(z.string().nullable()).safeParse(parseJson(value, `The parameters of statement ${index + 1}`));
  if (parsed.success) return parsed.data;
  throw refusal(`The parameters of statement ${index + 1} are no JSON list of texts and nulls.`);
}

function fromJson(text: string): Counted[] {
  const parsed = z.array(statement).safeParse(parseJson(text, 'The file'));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refusal(`${issue?.path.join('.') || 'The list'}: ${issue?.message ?? 'not understood'}`);
  }
  return parsed.data.map(({ text: sql, callsPerHour, meanMs, searchPath, parameters }, index) => ({
    id: String(index + 1),
    text: sql,
    callsPerHour,
    meanMs: meanMs ?? null,
    samples: parameters,
    ...(searchPath === undefined ? {} : { searchPath }),
  }));
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refusal(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function refusal(detail: string): PitcrewError {
  return new PitcrewError('E_BAD_REQUEST', 'the workload file cannot be read', { detail });
}
