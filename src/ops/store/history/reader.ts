import type { Pool, QueryResultRow } from 'pg';
import { storeError } from '../failures.ts';
import { type Progress, readProgress } from '../upkeep/roll-up.ts';

/** Runs queries on the store; whatever goes wrong is `E_STORE_UNAVAILABLE`. */
export interface Reader {
  rows<Row extends QueryResultRow>(text: string, values: readonly unknown[]): Promise<Row[]>;
  progress(): Promise<Progress>;
}

export function createReader(pool: Pool): Reader {
  return {
    async rows<Row extends QueryResultRow>(text: string, values: readonly unknown[]) {
      try {
        return (await pool.query<Row>(text, [...values])).rows;
      } catch (error) {
        throw storeError(error, 'the history cannot be read');
      }
    },
    async progress() {
      try {
        return await readProgress(pool);
      } catch (error) {
        throw storeError(error, 'the history cannot be read');
      }
    },
  };
}
