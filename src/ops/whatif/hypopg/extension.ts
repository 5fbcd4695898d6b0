import { PitcrewError } from '../../../errors.ts';
import { type DatabaseConnection, quoteIdentifier } from '../../../engine/postgres/index.ts';
import type { WhatIfGap } from '../types.ts';

/** HypoPG as it is installed in a database. */
export interface Extension {
  version: string;
  /** Quoted; its functions are called by it. */
  schema: string;
  /** Since HypoPG 1.4. */
  canHide: boolean;
}

/**
 * Finds HypoPG and makes it ready in this session. It is never installed by us.
 * @throws {PitcrewError} `E_UNSUPPORTED` where it is not installed, or where the session is not ours alone.
 */
export async function findExtension(connection: DatabaseConnection): Promise<Extension> {
  if (connection.pooled) {
    throw new PitcrewError('E_UNSUPPORTED', 'HypoPG cannot be used through a connection pooler', {
      detail: 'Its indexes live in one session of the server, and a pooler lends sessions to others.',
      hint: 'Give the address of the server itself.',
    });
  }
  const [found] = await connection.run<{ version: string; schema: string; canHide: boolean }>(`
    SELECT e.extversion AS "version",
           n.nspname    AS "schema",
           EXISTS (SELECT FROM pg_proc p
                    WHERE p.pronamespace = e.extnamespace
                      AND p.proname = 'hypopg_hide_index') AS "canHide"
      FROM pg_extension e
      JOIN pg_namespace n ON n.oid = e.extnamespace
     WHERE e.extname = 'hypopg'
  `);
  if (!found) {
    throw new PitcrewError('E_UNSUPPORTED', 'HypoPG is not installed in this database', {
      detail: 'Pitcrew does not install extensions.',
      hint: 'CREATE EXTENSION hypopg; or plan on a twin of the database, which needs nothing there.',
    });
  }
  const extension = { ...found, schema: quoteIdentifier(found.schema) };
  // The first call loads the library; until then its settings do not exist.
  await connection.run(resetIndexes(extension));
  await connection.run(`SELECT set_config('hypopg.enabled', 'on', false)`);
  return extension;
}

/** A statement after which the session has no hypothetical and no hidden index. */
export function resetIndexes({ schema, canHide }: Extension): string {
  return `SELECT ${schema}.hypopg_reset()${canHide ? `, ${schema}.hypopg_unhide_all_indexes()` : ''}`;
}

/** What HypoPG cannot imagine. */
export function gapsOf({ version, canHide }: Extension): WhatIfGap[] {
  const gaps: WhatIfGap[] = [
    {
      subject: 'GIN, GiST and SP-GiST indexes',
      reason: `HypoPG ${version} imagines B-tree, BRIN, hash and bloom indexes only`,
      fix: 'plan on a twin of the database',
    },
    {
      subject: 'partial and expression indexes in joins, views and sub-queries',
      reason: 'HypoPG takes their columns for those of another table there, which can crash the server (HypoPG#116)',
      fix: 'plan on a twin of the database',
    },
  ];
  if (!canHide) {
    gaps.push({
      subject: 'planning without an index that exists',
      reason: `HypoPG ${version} cannot hide indexes`,
      fix: 'install HypoPG 1.4 or newer, or plan on a twin of the database',
    });
  }
  return gaps;
}
