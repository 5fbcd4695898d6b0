import { PitcrewError } from '../../errors.ts';
import type { DatabaseConnection } from './connection.ts';
import { read } from './catalog/reading.ts';
import { changeSetting, type Flavour, grantRole, recogniseFlavour, signsOf } from './remedies.ts';
import { identityOf } from './server-identity.ts';
import type { ServerProfile } from './server-profile.ts';
import type { Skipped } from './skipped.ts';
import { probeStatements } from './statements-support.ts';

interface Found {
  version: string;
  versionNumber: number;
  versionText: string;
  isStandby: boolean;
  startedAt: Date;
  startedMicros: number;
  nowMicros: number;
  database: string;
  user: string;
  superuser: boolean;
  readAllStats: boolean;
  readAllSettings: boolean;
  monitor: boolean;
  signalBackend: boolean;
  maxConnections: number;
  reservedConnections: number;
  blockSize: number;
  trackIoTiming: boolean;
  trackCounts: boolean;
  trackActivities: boolean;
  checksums: boolean;
  address: string | null;
  dataDirectory: string | null;
  signs: string[];
}

/** Asks the server what it is and what this role may read of it. */
export async function probeProfile(connection: DatabaseConnection): Promise<ServerProfile> {
  const [found] = await connection.run<Found>(
    `
    SELECT split_part(current_setting('server_version'), ' ', 1)       AS "version",
           current_setting('server_version_num')::int4                 AS "versionNumber",
           version()                                                   AS "versionText",
           pg_is_in_recovery()                                         AS "isStandby",
           pg_postmaster_start_time()                                  AS "startedAt",
           (extract(epoch FROM pg_postmaster_start_time()) * 1e6)::float8 AS "startedMicros",
           (extract(epoch FROM clock_timestamp()) * 1e6)::float8       AS "nowMicros",
           current_database()                                          AS "database",
           current_user                                                AS "user",
           r.rolsuper                                                  AS "superuser",
           pg_has_role('pg_read_all_stats', 'USAGE')                   AS "readAllStats",
           pg_has_role('pg_read_all_settings', 'USAGE')                AS "readAllSettings",
           pg_has_role('pg_monitor', 'USAGE')                          AS "monitor",
           pg_has_role('pg_signal_backend', 'USAGE')                   AS "signalBackend",
           current_setting('max_connections')::int4                    AS "maxConnections",
           current_setting('superuser_reserved_connections')::int4
             + coalesce(current_setting('reserved_connections', true)::int4, 0) AS "reservedConnections",
           current_setting('block_size')::int4                         AS "blockSize",
           current_setting('track_io_timing')::bool                    AS "trackIoTiming",
           current_setting('track_counts')::bool                       AS "trackCounts",
           current_setting('track_activities')::bool                   AS "trackActivities",
           current_setting('data_checksums') = 'on'                    AS "checksums",
           host(inet_server_addr()) || ':' || inet_server_port()       AS "address",
           (SELECT setting FROM pg_settings WHERE name = 'data_directory') AS "dataDirectory",
           ARRAY(SELECT DISTINCT 'setting:' || split_part(name, '.', 1) FROM pg_settings
                  WHERE split_part(name, '.', 1) = ANY ($1) AND name LIKE '%.%')
             || ARRAY(SELECT 'role:' || rolname FROM pg_roles WHERE rolname = ANY ($2))
             || ARRAY(SELECT 'function:' || proname FROM pg_proc WHERE proname = ANY ($3))
             || ARRAY(SELECT 'extension:' || extname FROM pg_extension WHERE extname = ANY ($4)) AS "signs"
      FROM pg_roles r
     WHERE r.rolname = current_user
    `,
    (['setting', 'role', 'function', 'extension'] as const).map((kind) => `{${signsOf(kind).join(',')}}`),
  );
  if (!found) throw new PitcrewError('E_DATABASE_REFUSED', 'the role we are logged in as does not exist any more');
  const { address, dataDirectory, signs, superuser, readAllStats, readAllSettings, monitor, signalBackend, ...more } =
    found;
  const { startedMicros, nowMicros, ...facts } = more;
  const flavour = recogniseFlavour(signs);
  const control = await readControl(connection);
  const statements = await probeStatements(connection, flavour, found.user);
  return {
    ...facts,
    flavour,
    pooled: connection.pooled,
    host: address?.replace(/:\d+$/, '') ?? null,
    rights: { superuser, readAllStats, readAllSettings, monitor, signalBackend },
    systemIdentifier: control.systemIdentifier,
    timeline: control.timeline,
    identity: identityOf({
      system: control.systemIdentifier,
      address: withoutLoopback(address),
      dataDirectory,
      standby: facts.isStandby,
      timeline: control.timeline,
      startedAt: startedMicros,
      statisticsSince: await readStatisticsSince(connection),
      at: nowMicros,
    }),
    statements,
    columns: await readColumns(connection),
    skipped: [...limitsOf(found, flavour, connection.pooled), ...control.skipped, ...statements.skipped],
  };
}

/** `localhost` resolves to either address of loopback, which lead to the same server. */
function withoutLoopback(address: string | null): string | null {
  return address?.replace(/^(::1|127(\.\d+){3}):/, 'localhost:') ?? null;
}

/** In an order that never changes: what is stored is compared with it. Empty where the server does not offer them. */
async function readStatisticsSince(connection: DatabaseConnection): Promise<(number | null)[]> {
  const { rows } = await read<{ since: number | null }>(
    connection,
    'beginning of statistics',
    `
    SELECT (extract(epoch FROM stats_reset) * 1e6)::float8 AS "since"
      FROM (SELECT 1, stats_reset FROM pg_stat_bgwriter
            UNION ALL
            SELECT 2, stats_reset FROM pg_stat_archiver
            UNION ALL
            SELECT 3, stats_reset FROM pg_stat_wal) s (position, stats_reset)
     ORDER BY position
    `,
  );
  return rows.map(({ since }) => since);
}

async function readControl(connection: DatabaseConnection) {
  const { rows, skipped } = await read<{ systemIdentifier: string; timeline: number }>(
    connection,
    'system identifier',
    `
    SELECT s.system_identifier::text                  AS "systemIdentifier",
           coalesce(w.received_tli, c.timeline_id)    AS "timeline"
      FROM pg_control_system() s
     CROSS JOIN pg_control_checkpoint() c
      LEFT JOIN pg_stat_wal_receiver w ON true
    `,
  );
  return { systemIdentifier: rows[0]?.systemIdentifier ?? null, timeline: rows[0]?.timeline ?? null, skipped };
}

async function readColumns(connection: DatabaseConnection): Promise<Map<string, Set<string>>> {
  const rows = await connection.run<{ relation: string; columns: string[] }>(
    `
    SELECT c.relname                                            AS "relation",
           array_agg(a.attname::text ORDER BY a.attnum)         AS "columns"
      FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relnamespace = 'pg_catalog'::regnamespace
       AND c.relkind = 'v'
       AND (c.relname LIKE 'pg_stat%' OR c.relname = 'pg_replication_slots')
     GROUP BY c.relname
    `,
  );
  return new Map(rows.map(({ relation, columns }) => [relation, new Set(columns)]));
}

/** What the role or the settings keep from us on the whole. */
function limitsOf(found: Found, flavour: Flavour, pooled: boolean): Skipped[] {
  const on = (name: string) => changeSetting(flavour, name, 'on', 'reload');
  const limits: (Skipped | false)[] = [
    !found.readAllStats && {
      subject: 'statistics of other users',
      reason: 'this role sees only its own sessions and statements',
      fix: grantRole('pg_monitor', found.user),
    },
    !found.readAllSettings && {
      subject: 'settings',
      reason: 'this role does not see all settings',
      fix: grantRole('pg_monitor', found.user),
    },
    !found.signalBackend && {
      subject: 'cancelling and terminating sessions',
      reason: 'this role may do that to its own sessions only',
      fix: grantRole('pg_signal_backend', found.user),
    },
    !found.trackActivities && {
      subject: 'activity',
      reason: 'track_activities is off',
      fix: on('track_activities'),
    },
    !found.trackCounts && {
      subject: 'counters of tables and indexes',
      reason: 'track_counts is off; autovacuum does not work without it either',
      fix: on('track_counts'),
    },
    !found.trackIoTiming && {
      subject: 'I/O times',
      reason: 'track_io_timing is off',
      fix: on('track_io_timing'),
    },
    !found.checksums && {
      subject: 'checksum failures',
      reason: 'data checksums are off',
      fix: flavour === 'postgresql' ? 'stop the server cleanly, then run pg_checksums --enable' : null,
    },
    pooled && {
      subject: 'direct connection',
      reason:
        'a connection pooler stands between, so every query takes two round trips more and waits for a connection of its pool',
      fix: 'give the address of the server itself rather than that of PgBouncer',
    },
  ];
  return limits.filter((limit) => limit !== false);
}
