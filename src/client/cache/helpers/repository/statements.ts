import { PitcrewError } from '../../../../errors.ts';
import { readByKeys } from '../../../data/by-keys.ts';
import type { Database } from '../../../data/database.ts';
import { quoted, type TableReference } from '../../../data/names.ts';
import { columnsNamed, forgetRelations, fromRelation, type Relation } from '../../../data/relation.ts';
import { textOf } from '../../../data/values.ts';

type Values = Record<string, unknown>;

/** A row as it was and as it is. */
export interface Change {
  before: Values | undefined;
  after: Values | undefined;
}

/** Where a row says whether it is the one before or after an update. */
const side = 'pitcrew side';

/** What a repository asks of its table; on a pool, a client or in a transaction. */
export class TableStatements {
  readonly #table: TableReference;
  readonly #key: readonly string[];

  constructor(table: TableReference, key: readonly string[]) {
    this.#table = table;
    this.#key = key;
  }

  /** The rows for some keys by one statement, in their order. */
  async read(database: Database, keys: readonly (readonly unknown[])[]): Promise<(Values | undefined)[]> {
    const rows = await readByKeys({ database, table: this.#table, key: this.#key }, keys);
    return rows.map(([row]) => row);
  }

  async insert(database: Database, values: Values): Promise<Change> {
    const rows = await this.#run(database, (relation) => {
      const { names, texts } = given(relation, values);
      if (names.length === 0) return { text: `INSERT INTO ${relation.sql} DEFAULT VALUES RETURNING *`, values: [] };
      const text = `INSERT INTO ${relation.sql} (${names.join(', ')})
VALUES (${names.map((_, i) => `$${i + 1}`).join(', ')})
RETURNING *`;
      return { text, values: texts };
    });
    return { before: undefined, after: rows[0] };
  }

  /** By one statement, which locks the row first: nobody else changes it between what it was and what it is. */
  async update(database: Database, key: readonly unknown[], values: Values): Promise<Change> {
    const rows = await this.#run(database, (relation) => {
      const { names, texts } = given(relation, values);
      if (names.length === 0) throw new PitcrewError('E_USAGE', `nothing is given to update ${relation.name} with`);
      const text = `WITH before AS (
       SELECT *
         FROM ${relation.sql}
        WHERE ${this.#condition(names.length)}
          FOR UPDATE
     ), after AS (
       UPDATE ${relation.sql} AS target
          SET ${names.map((name, i) => `${name} = $${i + 1}`).join(', ')}
         FROM before
        WHERE ${this.#key.map((name) => `target.${quoted(name)} = before.${quoted(name)}`).join(' AND ')}
       RETURNING target.*
     )
SELECT 'before' AS ${quoted(side)}, before.* FROM before
 UNION ALL
SELECT 'after', after.* FROM after`;
      return { text, values: [...texts, ...this.#keyTexts(relation, key)] };
    });
    const find = (wanted: string): Values | undefined => {
      const { [side]: found, ...row } = rows.find((each) => each[side] === wanted) ?? {};
      return found === undefined ? undefined : row;
    };
    return { before: find('before'), after: find('after') };
  }

  async delete(database: Database, key: readonly unknown[]): Promise<Change> {
    const rows = await this.#run(database, (relation) => ({
      text: `DELETE FROM ${relation.sql} WHERE ${this.#condition(0)} RETURNING *`,
      values: this.#keyTexts(relation, key),
    }));
    return { before: rows[0], after: undefined };
  }

  #condition(parametersBefore: number): string {
    return this.#key.map((name, i) => `${quoted(name)} = $${parametersBefore + i + 1}`).join(' AND ');
  }

  #keyTexts(relation: Relation, key: readonly unknown[]): (string | null)[] {
    return columnsNamed(relation, this.#key).map(({ form }, i) => textOf(key[i], form));
  }

  async #run(
    database: Database,
    statement: (relation: Relation) => { text: string; values: (string | null)[] },
  ): Promise<Values[]> {
    const { text, values } = await fromRelation(database, this.#table, statement);
    try {
      return (await database.query(text, values)).rows;
    } catch (error) {
      // Perhaps the table is not what it was.
      forgetRelations(database);
      throw error;
    }
  }
}

/** Those that are given; `undefined` is not. */
function given(relation: Relation, values: Values): { names: string[]; texts: (string | null)[] } {
  const names = Object.keys(values).filter((name) => values[name] !== undefined);
  const columns = columnsNamed(relation, names);
  return { names: names.map(quoted), texts: columns.map(({ name, form }) => textOf(values[name], form)) };
}
