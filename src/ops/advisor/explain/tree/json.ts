/** A part of EXPLAIN's JSON. */
export type PlanJson = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is PlanJson {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textIn(json: PlanJson, name: string): string | undefined {
  const value = json[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function figureIn(json: PlanJson, name: string): number | undefined {
  const value = json[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

export function textsIn(json: PlanJson, name: string): string[] {
  const value = json[name];
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

export function recordsIn(json: PlanJson, name: string): PlanJson[] {
  const value = json[name];
  return Array.isArray(value) ? value.filter((each) => isRecord(each)) : [];
}
