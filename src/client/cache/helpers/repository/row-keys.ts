import { PitcrewError } from '../../../../errors.ts';
import { cacheKey } from '../keys/cache-key.ts';

/** The value of the key's column; of a key of several columns a list, in their order. */
export type RowKey = string | number | bigint | boolean | Date | Uint8Array | readonly RowKey[];

/** Keys of a table's rows in a cache. */
export class RowKeys {
  readonly columns: readonly string[];
  readonly #name: string;

  /** @param name what they begin with */
  constructor(name: string, columns: readonly string[]) {
    if (columns.length === 0) throw new PitcrewError('E_USAGE', 'key names no column');
    this.#name = name;
    this.columns = columns;
  }

  /** @throws `E_USAGE` when it has not as many values as there are columns */
  valuesOf(key: RowKey): readonly unknown[] {
    const values = Array.isArray(key) ? (key as readonly unknown[]) : [key];
    if (values.length === this.columns.length) return values;
    throw new PitcrewError(
      'E_USAGE',
      `a key of ${this.#name} has ${this.columns.length} values, not ${values.length}`,
      {
        hint: `Give ${this.columns.join(', ')}, in this order.`,
      },
    );
  }

  /** The same for all forms in which applications and drivers have a number: `42`, `42n` and `'42'`. */
  cacheKey(key: RowKey): string {
    return cacheKey(this.#name, ...this.valuesOf(key).map(plain));
  }

  /** Under which a row belongs. */
  ofRow(row: object): string {
    return cacheKey(this.#name, ...this.columns.map((column) => plain(Reflect.get(row, column))));
  }
}

/** All that are written the same are the same: a column has one type only. Digits are readable as numbers. */
function plain(value: unknown): unknown {
  const text = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value;
  return typeof text === 'string' && String(Number(text)) === text ? Number(text) : text;
}
