/**
 * Every metric of the instance that is collected, kept as history and shown on /metrics. One list, so that collectors,
 * dashboard, Prometheus and docs use the same names. Names end in their unit where they have one.
 */

export interface MetricDefinition {
  kind: 'counter' | 'gauge';
  unit: 'count' | 'bytes' | 'seconds' | 'ratio' | 'blocks';
  help: string;
  /** Labels that its series carry. Each has few values, or is cut to the largest. */
  labels?: readonly string[];
}

export const metricDefinitions = {
  'pitcrew.covered_seconds': {
    kind: 'counter',
    unit: 'seconds',
    help: 'Time covered by a collector',
    labels: ['collector'],
  },
  'pitcrew.own_backend_seconds': {
    kind: 'counter',
    unit: 'seconds',
    help: "Execution time of Pitcrew's own statements",
  },
  'pitcrew.own_calls': { kind: 'counter', unit: 'count', help: "Calls of Pitcrew's own statements" },
  'pitcrew.own_temp_bytes': {
    kind: 'counter',
    unit: 'bytes',
    help: "Temporary file bytes of Pitcrew's own statements",
  },

  'sessions.by_state': { kind: 'gauge', unit: 'count', help: 'Client sessions by state', labels: ['state'] },
  'sessions.active_by_wait': {
    kind: 'gauge',
    unit: 'count',
    help: 'Active sessions by wait class; CPU is not waiting',
    labels: ['class'],
  },
  'sessions.waiting_on': {
    kind: 'gauge',
    unit: 'count',
    help: 'Active sessions by wait event',
    labels: ['class', 'event'],
  },
  'sessions.total': { kind: 'gauge', unit: 'count', help: 'Client sessions' },
  'sessions.blocked': { kind: 'gauge', unit: 'count', help: 'Sessions that wait for a lock of another' },
  'sessions.longest_transaction_seconds': {
    kind: 'gauge',
    unit: 'seconds',
    help: 'Age of the oldest open transaction',
  },
  'sessions.longest_idle_in_transaction_seconds': {
    kind: 'gauge',
    unit: 'seconds',
    help: 'Longest time idle in a transaction',
  },
  'sessions.max_connections': { kind: 'gauge', unit: 'count', help: 'max_connections of the server' },

  'statements.calls': { kind: 'counter', unit: 'count', help: 'Statements executed, from pg_stat_statements' },
  'statements.exec_seconds': { kind: 'counter', unit: 'seconds', help: 'Execution time of statements' },
  'statements.plan_seconds': { kind: 'counter', unit: 'seconds', help: 'Planning time of statements (when tracked)' },
  'statements.rows': { kind: 'counter', unit: 'count', help: 'Rows returned or affected by statements' },
  'statements.slow_calls': {
    kind: 'counter',
    unit: 'count',
    help: 'Calls of statements whose mean is above the slow threshold',
  },
  'statements.evictions': {
    kind: 'counter',
    unit: 'count',
    help: 'Entries that pg_stat_statements dropped for lack of room',
  },
  'statements.tracked': { kind: 'gauge', unit: 'count', help: 'Entries in pg_stat_statements' },

  'database.commits': { kind: 'counter', unit: 'count', help: 'Transactions committed' },
  'database.rollbacks': { kind: 'counter', unit: 'count', help: 'Transactions rolled back' },
  'database.blocks_read': { kind: 'counter', unit: 'blocks', help: 'Blocks read from outside shared buffers' },
  'database.blocks_hit': { kind: 'counter', unit: 'blocks', help: 'Blocks found in shared buffers' },
  'database.rows_returned': { kind: 'counter', unit: 'count', help: 'Rows read by scans' },
  'database.rows_fetched': { kind: 'counter', unit: 'count', help: 'Rows fetched through indexes' },
  'database.rows_inserted': { kind: 'counter', unit: 'count', help: 'Rows inserted' },
  'database.rows_updated': { kind: 'counter', unit: 'count', help: 'Rows updated' },
  'database.rows_deleted': { kind: 'counter', unit: 'count', help: 'Rows deleted' },
  'database.conflicts': { kind: 'counter', unit: 'count', help: 'Queries cancelled by recovery', labels: ['reason'] },
  'database.temp_files': { kind: 'counter', unit: 'count', help: 'Temporary files written' },
  'database.temp_bytes': { kind: 'counter', unit: 'bytes', help: 'Bytes written to temporary files' },
  'database.deadlocks': { kind: 'counter', unit: 'count', help: 'Deadlocks' },
  'database.checksum_failures': { kind: 'counter', unit: 'count', help: 'Pages whose checksum was wrong' },
  'database.block_read_seconds': {
    kind: 'counter',
    unit: 'seconds',
    help: 'Time reading blocks, with track_io_timing',
  },
  'database.block_write_seconds': {
    kind: 'counter',
    unit: 'seconds',
    help: 'Time writing blocks, with track_io_timing',
  },
  'database.active_seconds': { kind: 'counter', unit: 'seconds', help: 'Time that sessions executed statements' },
  'database.idle_in_transaction_seconds': {
    kind: 'counter',
    unit: 'seconds',
    help: 'Time that sessions idled in transactions',
  },
  'database.sessions': { kind: 'counter', unit: 'count', help: 'Sessions opened' },
  'database.sessions_abandoned': { kind: 'counter', unit: 'count', help: 'Sessions whose client was lost' },
  'database.sessions_fatal': { kind: 'counter', unit: 'count', help: 'Sessions ended by a fatal error' },
  'database.sessions_killed': { kind: 'counter', unit: 'count', help: 'Sessions ended by an administrator' },
  'database.size_bytes': { kind: 'gauge', unit: 'bytes', help: 'Size of the database', labels: ['database'] },
  'database.xid_age': {
    kind: 'gauge',
    unit: 'count',
    help: 'Age of the oldest unfrozen transaction id of any database',
  },
  'database.mxid_age': { kind: 'gauge', unit: 'count', help: 'Age of the oldest multixact id of any database' },

  'checkpoints.timed': { kind: 'counter', unit: 'count', help: 'Checkpoints started by checkpoint_timeout' },
  'checkpoints.requested': { kind: 'counter', unit: 'count', help: 'Checkpoints forced, mostly by max_wal_size' },
  'checkpoints.write_seconds': { kind: 'counter', unit: 'seconds', help: 'Time writing in checkpoints' },
  'checkpoints.sync_seconds': { kind: 'counter', unit: 'seconds', help: 'Time syncing in checkpoints' },
  'checkpoints.buffers': { kind: 'counter', unit: 'blocks', help: 'Buffers written by checkpoints' },
  'bgwriter.buffers_clean': { kind: 'counter', unit: 'blocks', help: 'Buffers written by the background writer' },
  'bgwriter.maxwritten': { kind: 'counter', unit: 'count', help: 'Times the background writer stopped at its limit' },
  'bgwriter.buffers_alloc': { kind: 'counter', unit: 'blocks', help: 'Buffers allocated' },

  'wal.bytes': { kind: 'counter', unit: 'bytes', help: 'WAL generated' },
  'wal.records': { kind: 'counter', unit: 'count', help: 'WAL records generated' },
  'wal.full_page_images': { kind: 'counter', unit: 'count', help: 'Full page images in WAL' },
  'wal.buffers_full': { kind: 'counter', unit: 'count', help: 'WAL written because wal_buffers were full' },
  'wal.archived': { kind: 'counter', unit: 'count', help: 'WAL segments archived' },
  'wal.archive_failures': { kind: 'counter', unit: 'count', help: 'Failed attempts to archive' },

  'io.read_bytes': { kind: 'counter', unit: 'bytes', help: 'Bytes read (16+)', labels: ['backend', 'context'] },
  'io.write_bytes': { kind: 'counter', unit: 'bytes', help: 'Bytes written (16+)', labels: ['backend', 'context'] },
  'io.read_seconds': {
    kind: 'counter',
    unit: 'seconds',
    help: 'Time reading, with track_io_timing (16+)',
    labels: ['backend', 'context'],
  },
  'io.write_seconds': {
    kind: 'counter',
    unit: 'seconds',
    help: 'Time writing, with track_io_timing (16+)',
    labels: ['backend', 'context'],
  },
  'io.fsyncs': { kind: 'counter', unit: 'count', help: 'Files flushed to disk (16+)', labels: ['backend', 'context'] },
  'slru.read_blocks': { kind: 'counter', unit: 'blocks', help: 'SLRU blocks read', labels: ['name'] },

  'replication.replay_lag_bytes': {
    kind: 'gauge',
    unit: 'bytes',
    help: 'WAL that a replica has not replayed',
    labels: ['replica'],
  },
  'replication.replay_lag_seconds': {
    kind: 'gauge',
    unit: 'seconds',
    help: 'Time by which a replica is behind',
    labels: ['replica'],
  },
  'replication.replicas': { kind: 'gauge', unit: 'count', help: 'Replicas that stream' },
  'replication.own_lag_seconds': {
    kind: 'gauge',
    unit: 'seconds',
    help: 'On a standby: age of the last replayed transaction, 0 when all is replayed',
  },
  'replication.own_lag_bytes': { kind: 'gauge', unit: 'bytes', help: 'On a standby: WAL received but not replayed' },
  'replication.slot_retained_bytes': {
    kind: 'gauge',
    unit: 'bytes',
    help: 'WAL held back by a replication slot',
    labels: ['slot'],
  },
  'replication.subscription_errors': {
    kind: 'counter',
    unit: 'count',
    help: 'Errors of logical subscriptions',
    labels: ['subscription'],
  },

  'tables.live_rows': { kind: 'gauge', unit: 'count', help: 'Rows, estimated' },
  'tables.dead_rows': { kind: 'gauge', unit: 'count', help: 'Dead rows, estimated' },
  'tables.heap_bytes': {
    kind: 'gauge',
    unit: 'bytes',
    help: 'Size of tables without indexes and TOAST, from relpages',
  },
  'tables.index_bytes': { kind: 'gauge', unit: 'bytes', help: 'Size of indexes, from relpages' },
  'tables.count': { kind: 'gauge', unit: 'count', help: 'Tables' },
  'vacuum.running': { kind: 'gauge', unit: 'count', help: 'Vacuums running' },

  'locks.held': { kind: 'gauge', unit: 'count', help: 'Locks by mode', labels: ['mode'] },
  'locks.waiting': { kind: 'gauge', unit: 'count', help: 'Waits for locks by mode', labels: ['mode'] },
  'prepared_transactions.count': { kind: 'gauge', unit: 'count', help: 'Prepared transactions' },
  'prepared_transactions.oldest_seconds': {
    kind: 'gauge',
    unit: 'seconds',
    help: 'Age of the oldest prepared transaction',
  },

  'application.pool_open': {
    kind: 'gauge',
    unit: 'count',
    help: 'Connections that the pools of an application have open',
    labels: ['application', 'endpoint', 'role'],
  },
  'application.pool_idle': {
    kind: 'gauge',
    unit: 'count',
    help: 'Connections of an application that nobody uses',
    labels: ['application', 'endpoint', 'role'],
  },
  'application.pool_waiting': {
    kind: 'gauge',
    unit: 'count',
    help: 'Callers of an application that wait for a connection',
    labels: ['application', 'endpoint', 'role'],
  },
  'application.pool_lanes': {
    kind: 'gauge',
    unit: 'count',
    help: 'Connections of an application that many callers share',
    labels: ['application', 'endpoint', 'role'],
  },
  'application.pool_max': {
    kind: 'gauge',
    unit: 'count',
    help: 'Connections that the pools of an application may open',
    labels: ['application', 'endpoint', 'role'],
  },

  'cache.entries': {
    kind: 'gauge',
    unit: 'count',
    help: "Entries of a tier of an application's cache",
    labels: ['application', 'cache', 'tier'],
  },
  'cache.bytes': {
    kind: 'gauge',
    unit: 'bytes',
    help: "Bytes of a tier of an application's cache",
    labels: ['application', 'cache', 'tier'],
  },
  'cache.stream_lag_seconds': {
    kind: 'gauge',
    unit: 'seconds',
    help: 'How far the change stream of a cache is behind, where it is furthest',
    labels: ['application', 'cache'],
  },

  'host.cpu_ratio': { kind: 'gauge', unit: 'ratio', help: "CPU in use on the daemon's machine" },
  'host.load_1m': { kind: 'gauge', unit: 'count', help: "Load average of the daemon's machine" },
  'host.memory_used_bytes': { kind: 'gauge', unit: 'bytes', help: "Memory in use on the daemon's machine" },
  'host.memory_total_bytes': { kind: 'gauge', unit: 'bytes', help: "Memory of the daemon's machine" },
  'host.disk_used_bytes': {
    kind: 'gauge',
    unit: 'bytes',
    help: 'Used space of the file system with the data directory',
    labels: ['path'],
  },
  'host.disk_total_bytes': {
    kind: 'gauge',
    unit: 'bytes',
    help: 'Size of the file system with the data directory',
    labels: ['path'],
  },
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof metricDefinitions;
