import { type DatabaseConnection, readSettings } from '../../../../../engine/postgres/index.ts';
import type { CheckContext } from '../../../types.ts';
import { once } from '../../readings.ts';

/** From when on autovacuum takes up a table. */
export interface Autovacuum {
  enabled: boolean;
  /** Dead rows beyond which the table is vacuumed. */
  vacuumFrom(rows: number): number;
  /** Changed rows beyond which it is analyzed. */
  analyzeFrom(rows: number): number;
  /** Age in transactions, and in multixacts, at which it is vacuumed whatever else. */
  freezeMaxAge: number;
  multixactFreezeMaxAge: number;
}

export interface AutovacuumSettings {
  /** `off` for the whole server. */
  enabled: boolean;
  failsafeAge: number;
  multixactFailsafeAge: number;
  /** As the server's settings and the table's own storage parameters have it. */
  of(options: readonly string[] | null): Autovacuum;
}

/**
 * PostgreSQL's own formulas (manual, "The Autovacuum Daemon"): `threshold + scale_factor × rows`, for vacuum at most
 * `autovacuum_vacuum_max_threshold` in 18 and newer.
 */
export async function readAutovacuum(context: CheckContext): Promise<AutovacuumSettings> {
  const { rows } = await once(context, readSettings);
  const values = new Map(rows.map(({ name, value }) => [name, value]));
  const setting = (name: string, otherwise: number): number => {
    const value = values.get(name);
    return value === undefined ? otherwise : Number(value);
  };
  const enabled = values.get('autovacuum') !== 'off';
  return {
    enabled,
    failsafeAge: setting('vacuum_failsafe_age', 1_600_000_000),
    multixactFailsafeAge: setting('vacuum_multixact_failsafe_age', 1_600_000_000),
    of(options) {
      const own = new Map(options?.map((option) => option.split('=', 2) as [string, string]));
      const number = (name: string, otherwise: number): number => {
        const value = own.get(name);
        return value === undefined ? setting(name, otherwise) : Number(value);
      };
      const most = number('autovacuum_vacuum_max_threshold', -1);
      return {
        enabled: enabled && !['off', 'false', 'no', '0'].includes(own.get('autovacuum_enabled') ?? ''),
        vacuumFrom: (count) =>
          Math.min(
            number('autovacuum_vacuum_threshold', 50) + number('autovacuum_vacuum_scale_factor', 0.2) * count,
            most >= 0 ? most : Infinity,
          ),
        analyzeFrom: (count) =>
          number('autovacuum_analyze_threshold', 50) + number('autovacuum_analyze_scale_factor', 0.1) * count,
        // A table's own setting can only bring it forward.
        freezeMaxAge: Math.min(
          setting('autovacuum_freeze_max_age', 200_000_000),
          number('autovacuum_freeze_max_age', 200_000_000),
        ),
        multixactFreezeMaxAge: Math.min(
          setting('autovacuum_multixact_freeze_max_age', 400_000_000),
          number('autovacuum_multixact_freeze_max_age', 400_000_000),
        ),
      };
    },
  };
}

/** What pg_class says of a table beside its statistics. */
export interface TableOptions {
  oid: number;
  options: string[] | null;
  /** Of its TOAST table; `null` without one. */
  toastXidAge: number | null;
  toastMxidAge: number | null;
}

/** Storage parameters and TOAST ages of all tables, by oid. */
export async function readTableOptions(connection: DatabaseConnection): Promise<ReadonlyMap<number, TableOptions>> {
  const rows = await connection.run<TableOptions>(
    `
    SELECT c.oid                                      AS "oid",
           c.reloptions                               AS "options",
           age(t.relfrozenxid)                        AS "toastXidAge",
           mxid_age(t.relminmxid)                     AS "toastMxidAge"
      FROM pg_class c
      LEFT JOIN pg_class t ON t.oid = c.reltoastrelid AND c.reltoastrelid <> 0
     WHERE c.relkind IN ('r', 'm', 'p')
    `,
  );
  return new Map(rows.map((row) => [row.oid, row]));
}

/** Tables that are being vacuumed or analyzed now, by oid. */
export async function readWorkedOn(connection: DatabaseConnection, work: 'vacuum' | 'analyze'): Promise<Set<number>> {
  const rows = await connection.run<{ oid: number }>(
    `SELECT relid AS "oid" FROM pg_stat_progress_${work} WHERE datname = current_database() AND relid <> 0`,
  );
  return new Set(rows.map(({ oid }) => oid));
}
