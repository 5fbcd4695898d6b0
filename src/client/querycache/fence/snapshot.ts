import { PitcrewError } from '../../../errors.ts';

export interface SnapshotOptions {
  /**
   * It was taken on a standby. There `pg_current_snapshot()` names no transaction as being under way, though some between its
   * bounds are: of those between, none is taken as seen.
   */
  standby?: boolean;
}

/**
 * What a statement could see: `pg_current_snapshot()`, `xmin:xmax:xip,…`. Of transactions below `xmin` all are over, those from
 * `xmax` on had not begun to end, and of those between the listed ones were under way. Only top-level transactions have a place in
 * it, as in the change stream.
 */
export class Snapshot {
  readonly xmin: number;
  readonly xmax: number;
  readonly #underWay: readonly number[];

  private constructor(xmin: number, xmax: number, underWay: readonly number[]) {
    this.xmin = xmin;
    this.xmax = xmax;
    this.#underWay = underWay;
  }

  /**
   * Reads the text of a snapshot.
   * @throws {PitcrewError} `E_USAGE` when it is none.
   */
  static parse(text: string, { standby = false }: SnapshotOptions = {}): Snapshot {
    const [, low = '', high = '', list = ''] = /^(\d{1,16}):(\d{1,16}):((?:\d{1,16}(?:,\d{1,16})*)?)$/.exec(text) ?? [];
    const underWay = list === '' ? [] : list.split(',').map(Number);
    const all = [Number(low), Number(high), ...underWay];
    if (low === '' || !all.every(Number.isSafeInteger)) {
      throw new PitcrewError('E_USAGE', 'not a snapshot', {
        detail: `Found "${text.slice(0, 60)}".`,
        hint: 'SELECT pg_current_snapshot()::text gives one, such as 754:760:754,757.',
      });
    }
    const [xmin = 0, xmax = 0] = all;
    return new Snapshot(xmin, standby ? xmin : xmax, standby ? [] : underWay);
  }

  /**
   * Whether what a transaction has changed was to be seen, had it been committed. To ask about one that was rolled back makes
   * no difference.
   */
  sees(xid: number): boolean {
    if (xid < this.xmin) return true;
    return xid < this.xmax && !this.#underWay.includes(xid);
  }

  /** As it was parsed; that of a standby can be parsed without saying so again. */
  toString(): string {
    return `${this.xmin}:${this.xmax}:${this.#underWay.join(',')}`;
  }
}
