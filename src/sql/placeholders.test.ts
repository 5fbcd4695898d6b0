import { beforeAll, describe as group, expect, test } from 'vitest';
import { describe, loadParser, placeholdersOf, valuesShown, withoutGaps } from './index.ts';

beforeAll(loadParser);

/** What stands for each placeholder of the normalized text: `$1` for a parameter, the value for a constant. */
function shown(text: string): unknown[] | undefined {
  const { normalized } = describe(text);
  const values = valuesShown(text, normalized);
  return (
    values && [
      normalized,
      ...[...values].map(([number, value]) => [
        number,
        'parameter' in value ? `$${[value.parameter, ...(value.others ?? [])].join(' $')}` : value.constant,
      ]),
    ]
  );
}

group('what stands where a normalized text has placeholders', () => {
  test.each<[string, unknown[]]>([
    [
      'SELECT * FROM a WHERE b = $1 AND c = 7 -- seven',
      ['SELECT * FROM a WHERE b = $1 AND c = $2', [1, '$1'], [2, '7']],
    ],
    [
      "select 1 from a where b='it''s' and c= -2.5e3 LIMIT $2 OFFSET $1;",
      [
        'select $3 from a where b=$4 and c= $5 LIMIT $2 OFFSET $1',
        [3, '1'],
        [4, "it's"],
        [5, '-2.5e3'],
        [2, '$2'],
        [1, '$1'],
      ],
    ],
    [
      'SELECT * FROM a WHERE b IN ($1, $2, $3) AND c IN (4, -5, 6) AND d = $4',
      [
        'SELECT * FROM a WHERE b IN ($1 /*, ... */) AND c IN ($5 /*, ... */) AND d = $4',
        [1, '$1 $2 $3'],
        [5, '4'],
        [4, '$4'],
      ],
    ],
    [
      'SELECT * FROM a WHERE b = true AND c IS NOT DISTINCT FROM null AND "D" = ARRAY[1, 2]',
      [
        'SELECT * FROM a WHERE b = $1 AND c IS NOT DISTINCT FROM $2 AND "D" = ARRAY[$3 /*, ... */]',
        [1, 'true'],
        [2, null],
        [3, '1'],
      ],
    ],
    // How these are written is not understood, and they are not guessed.
    [
      "SELECT * FROM a WHERE b = E'\\n' AND c = 0x1F AND d = $$e$$",
      ['SELECT * FROM a WHERE b = $1 AND c = $2 AND d = $3', [1, undefined], [2, undefined], [3, undefined]],
    ],
    ['SELECT a FROM b ORDER BY 1', ['SELECT a FROM b ORDER BY 1']],
  ])('%s', (text, expected) => {
    expect(shown(text)).toEqual(expected);
  });

  test('texts that do not belong together have nothing in common', () => {
    expect(valuesShown('SELECT a FROM b WHERE c = 1', 'SELECT a FROM b WHERE d = $1')).toBeUndefined();
    expect(valuesShown('SELECT a FROM b WHERE c = 1 AND d', 'SELECT a FROM b WHERE c = $1')).toBeUndefined();
    expect(valuesShown('SELECT a FROM b', 'SELECT a FROM b WHERE c = $1')).toBeUndefined();
  });
});

test('texts that differ in layout, case and numbers have one shape, and an order each', () => {
  const one = placeholdersOf('SELECT * FROM "Orders" WHERE a = $2 AND b = $1 AND a > $2');
  const other = placeholdersOf('select *\n  from "Orders" where a = $1 and b = $3 /* why */ and a > $1;');
  expect(other.shape).toBe(one.shape);
  expect([one.order, other.order]).toEqual([
    [2, 1],
    [1, 3],
  ]);
  for (const text of [
    'SELECT * FROM orders WHERE a = $2 AND b = $1 AND a > $2',
    'SELECT * FROM "Orders" WHERE a = $2 AND b = $1 AND a > $1',
    'SELECT * FROM "Orders" WHERE b = $2 AND a = $1 AND a > $2',
  ]) {
    expect(placeholdersOf(text).shape).not.toBe(one.shape);
  }
});

test('numbers without gaps', () => {
  expect(withoutGaps('a IN ($2 /*, ... */) AND b = $4 OR c = $2')).toBe('a IN ($1 /*, ... */) AND b = $2 OR c = $1');
  expect(withoutGaps('b = $2 OR c = $1')).toBe('b = $2 OR c = $1');
});
