import type pg from 'pg';

/** How long a single statement may be planned. */
const planTimeoutMs = 10_000;
/** Not the source's: those by which our own statements are understood. */
const ours = new Set(['search_path', 'standard_conforming_strings']);

/** Gives the session that plans the settings of the source, as far as PostgreSQL 18 has them. */
export async function applySettings(owner: pg.Client, settings: ReadonlyMap<string, string>): Promise<void> {
  const wanted = [...settings].filter(([name]) => !ours.has(name));
  await owner.query(
    `
    SELECT set_config(s.name, w.value, false)
      FROM unnest($1::text[], $2::text[]) AS w (name, value)
      JOIN pg_settings s ON s.name = w.name AND s.context = 'user'
    `,
    [wanted.map(([name]) => name), wanted.map(([, value]) => value)],
  );
  await owner.query(`SELECT set_config('statement_timeout', $1, false)`, [String(planTimeoutMs)]);
}
