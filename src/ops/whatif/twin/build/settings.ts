import type pg from 'pg';
import type { ServerProfile } from '../../../../engine/postgres/index.ts';
import type { Gaps } from '../gaps.ts';
import type { TablespaceCosts } from '../source/settings.ts';

/** How long a single statement may be planned. */
const planTimeoutMs = 10_000;
/** Not the source's: those by which our own statements are understood. */
const ours = new Set(['search_path', 'standard_conforming_strings']);

/** The version whose planner the twin has. */
const twinMajor = 18;

/**
 * Gives the session that plans the settings of the source, as far as PostgreSQL 18 has them. What the planner has learnt since the
 * source's version and can be switched off, is.
 */
export async function applySettings(
  owner: pg.Client,
  settings: ReadonlyMap<string, string>,
  { versionNumber }: ServerProfile,
  gaps: Gaps,
): Promise<void> {
  const wanted = [...settings].filter(([name]) => !ours.has(name));
  await owner.query(
    `
    SELECT set_config(s.name, w.value, false)
      FROM unnest($1::text[], $2::text[]) AS w (name, value)
      JOIN pg_settings s ON s.name = w.name AND s.context = 'user'
    `,
    [wanted.map(([name]) => name), wanted.map(([, value]) => value)],
  );
  await owner.query(
    `
    SELECT set_config(s.name, 'off', false)
      FROM pg_settings s
     WHERE s.category LIKE 'Query Tuning%'
       AND s.name LIKE 'enable_%'
       AND s.vartype = 'bool'
       AND s.name <> ALL ($1::text[])
    `,
    [[...settings.keys()]],
  );
  await owner.query(`SELECT set_config('statement_timeout', $1, false)`, [String(planTimeoutMs)]);
  const major = Math.floor(versionNumber / 10_000);
  if (major !== twinMajor) {
    gaps.add(
      `planner of PostgreSQL ${major}`,
      `the twin plans as PostgreSQL ${twinMajor} does, which counts some costs in another way; calibrate tells how far it is off`,
    );
  }
}

/** Gives the twin's only tablespace the costs of the source's default one. */
export async function applyTablespaceCosts(
  admin: pg.Client,
  tablespaces: readonly TablespaceCosts[],
  gaps: Gaps,
): Promise<void> {
  for (const { name, isDefault, options } of tablespaces) {
    if (!isDefault) {
      gaps.add(`tablespace ${name}`, `what is in it costs as elsewhere on the twin, not by ${options.join(', ')}`);
      continue;
    }
    for (const option of options) {
      const [setting, value] = option.split('=');
      if (setting !== undefined && /^\w+$/.test(setting) && /^[\d.eE+-]+$/.test(value ?? '')) {
        await admin.query(`ALTER TABLESPACE pg_default SET (${setting} = ${value})`);
      }
    }
  }
}
