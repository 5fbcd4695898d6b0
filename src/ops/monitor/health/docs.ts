import { checks } from './checks/index.ts';

/** The table of checks in `docs/health.md`, made from the list so that it cannot be out of date. */
export function healthDocs(): string {
  const rows = checks.map(({ id, title, weight, cap, thresholds, source }) =>
    [
      `\`${id}\``,
      title,
      String(weight),
      cap === null ? 'never critical' : String(cap),
      sentence(thresholds),
      source,
    ].join(' | '),
  );
  return [
    '| check | title | weight | score at most, when critical | warning and critical | source |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row} |`),
  ].join('\n');
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
