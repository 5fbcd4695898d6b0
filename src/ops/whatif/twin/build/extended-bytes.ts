/** How PostgreSQL keeps extended statistics: `statistics/extended_stats_internal.h`. */
const distinctMagic = 0xa352bfa4;
const dependenciesMagic = 0xb4549a2c;
const basicType = 1;

/** Turns the number of a column of the source into that of the twin; expressions keep their negative ones. */
export type ColumnNumbers = (number: number) => number;

/** The bytes of a `pg_ndistinct` from its text: `{"1, 2": 10}`. */
export function distinctBytes(text: string, numbers: ColumnNumbers): Buffer {
  const items = entriesOf(text).map(([columns, distinct]) => ({
    value: distinct,
    columns: columnList(columns, numbers),
  }));
  return itemsBytes(distinctMagic, items, (count) => int32(count));
}

/** The bytes of a `pg_dependencies` from its text: `{"1, 2 => 3": 0.5}`. */
export function dependenciesBytes(text: string, numbers: ColumnNumbers): Buffer {
  const items = entriesOf(text).map(([columns, degree]) => ({
    value: degree,
    columns: columnList(columns.replace('=>', ','), numbers),
  }));
  return itemsBytes(dependenciesMagic, items, (count) => int16(count));
}

/** Puts other frequencies into the bytes of a `pg_mcv_list`, whose items are at its end. */
export function withFrequencies(
  list: Buffer,
  dimensions: number,
  frequencies: readonly { frequency: number; base: number }[],
): Buffer {
  const changed = Buffer.from(list);
  // Whether each value is NULL, both frequencies, and which value it is of each column.
  const itemSize = dimensions + 16 + 2 * dimensions;
  const start = list.length - frequencies.length * itemSize;
  for (const [position, { frequency, base }] of frequencies.entries()) {
    const at = start + position * itemSize + dimensions;
    changed.writeDoubleLE(frequency, at);
    changed.writeDoubleLE(base, at + 8);
  }
  return changed;
}

function entriesOf(text: string): [string, number][] {
  const parsed: unknown = JSON.parse(text);
  return Object.entries(parsed ?? {}).map(([key, value]) => [key, Number(value)]);
}

function columnList(text: string, numbers: ColumnNumbers): number[] {
  return text.split(',').map((each) => {
    const number = Number(each);
    return number > 0 ? numbers(number) : number;
  });
}

function itemsBytes(
  magic: number,
  items: readonly { value: number; columns: readonly number[] }[],
  countBytes: (count: number) => Buffer,
): Buffer {
  return Buffer.concat([
    int32(magic),
    int32(basicType),
    int32(items.length),
    ...items.map(({ value, columns }) => {
      const double = Buffer.alloc(8);
      double.writeDoubleLE(value);
      return Buffer.concat([double, countBytes(columns.length), ...columns.map((column) => int16(column))]);
    }),
  ]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16LE(value);
  return bytes;
}
