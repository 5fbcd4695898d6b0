/** One series of a scrape. */
export interface Scraped {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const label = /^([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/;

/**
 * Reads Prometheus' text format (0.0.4), strictly: HELP and TYPE once and before the series of their family, families in
 * one piece, valid names, escapes and values, no series twice.
 * @throws {Error} that names the line that is wrong.
 */
export function parsePrometheusText(text: string): Scraped[] {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const types = new Map<string, string>();
  const helps = new Set<string>();
  const seen = new Set<string>();
  let family = '';
  return text
    .slice(0, -1)
    .split('\n')
    .flatMap((line) => {
      const fail = (why: string): never => {
        throw new Error(`${why}: ${line}`);
      };
      const [, keyword, subject = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
      if (keyword === 'HELP') {
        if (helps.has(subject) || !name.test(subject)) fail('a second HELP, or a bad name');
        if (/\\[^\\n]/.test(rest.replaceAll('\\\\', ''))) fail('a bad escape');
        helps.add(subject);
        return [];
      }
      if (keyword === 'TYPE') {
        if (types.has(subject) || !helps.has(subject)) fail('a second TYPE, or one without HELP');
        if (rest !== 'counter' && rest !== 'gauge' && rest !== 'histogram') fail('an unknown type');
        types.set(subject, rest);
        family = subject;
        return [];
      }
      const [, series = '', , labelText = '', valueText = ''] =
        /^([^\s{]+)(\{(.*)\})? ([+-]?(?:Inf|\d+(?:\.\d+)?(?:e[+-]?\d+)?)|NaN)$/.exec(line) ?? fail('no series');
      const isHistogram = types.get(family) === 'histogram';
      const names = isHistogram ? ['_bucket', '_sum', '_count'].map((suffix) => family + suffix) : [family];
      if (!names.includes(series)) fail('a series outside its family');
      const labels = labelsOf(labelText) ?? fail('bad labels');
      if ((isHistogram && series === names[0]) !== 'le' in labels) fail('a bound where none belongs, or none');
      const identity = JSON.stringify([series, Object.entries(labels).toSorted()]);
      if (seen.has(identity)) fail('a series twice');
      seen.add(identity);
      return [{ name: series, labels, value: Number(valueText.replace('Inf', 'Infinity')) }];
    });
}

function labelsOf(text: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== '') {
    const [all = '', key = '', value = ''] = label.exec(rest) ?? [];
    if (all === '' || key in labels) return undefined;
    labels[key] = value.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
    rest = rest.slice(all.length);
  }
  return labels;
}
