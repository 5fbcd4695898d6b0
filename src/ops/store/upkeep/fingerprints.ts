import { setImmediate } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import { describe, loadParser, parserLoaded } from '../../../sql/index.ts';
import { numberArray } from '../write/array-literal.ts';

/** Texts of one round; a statement takes about 0.2 ms. */
const textsAtOnce = 500;
/** After so long others have their turn. */
const turnMs = 5;

/**
 * Works out the fingerprints of the server's statements that have none yet, by which they are joined with what applications
 * tell. Other work goes on meanwhile. Answers how many there were.
 */
export async function addFingerprints(client: ClientBase): Promise<number> {
  let after = 0;
  let done = 0;
  for (;;) {
    const { rows } = await client.query<{ id: number; text: string }>(
      `
       SELECT   id, text
       FROM     pitcrew.statement
       WHERE    fingerprint IS NULL AND text IS NOT NULL AND NOT own AND id > $1
       ORDER BY id
       LIMIT    $2`,
      [after, textsAtOnce],
    );
    const last = rows.at(-1);
    if (!last) return done;
    await loadParser();
    const fingerprints: string[] = [];
    let turn = performance.now();
    for (const { text } of rows) {
      // It broke on the last text, and another one starts: the rest comes the next time.
      if (!parserLoaded()) break;
      fingerprints.push(describe(text).fingerprint);
      if (performance.now() - turn < turnMs) continue;
      await setImmediate();
      turn = performance.now();
    }
    const found = rows.slice(0, fingerprints.length);
    await client.query(
      `
       UPDATE pitcrew.statement
       SET    fingerprint = input.fingerprint
       FROM   unnest($1::integer[], $2::text[]) AS input (id, fingerprint)
       WHERE  statement.id = input.id`,
      [numberArray(found.map(({ id }) => id)), fingerprints],
    );
    done += found.length;
    if (found.length < rows.length) return done;
    after = last.id;
  }
}
