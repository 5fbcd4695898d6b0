import { Command } from 'commander';
import type { DatabaseMonitor, MonitorStatus } from '../../ops/monitor/index.ts';
import { paint, print, printJson } from '../output.ts';
import { loadSettings, requireDatabases, withCommonOptions } from '../options.ts';
import { formatMs } from '../screen/format.ts';

export function doctorCommand(): Command {
  const command = new Command('doctor').description(
    'Say what Pitcrew can read from the databases, what it cannot, and what would change that.',
  );
  return withCommonOptions(command, ({ path }) => ['databases', 'monitor'].includes(path[0] ?? '')).action(async () => {
    const loaded = await loadSettings(command);
    const databases = requireDatabases(loaded);
    const { createMonitor, statementScopes } = await import('../../ops/monitor/index.ts');
    const scopes = statementScopes(Object.fromEntries(databases));
    const monitors = databases.map(([name, url]) =>
      createMonitor({ name, url, config: loaded.config.monitor, statements: scopes[name] }),
    );
    try {
      await Promise.all(monitors.map((monitor) => monitor.collectNow()));
      const statuses = monitors.map((monitor) => monitor.status());
      if (command.opts().json) printJson({ databases: statuses.map((status) => doctorDocument(status)) });
      else print(monitors.map((monitor) => doctorScreen(monitor)).join('\n\n'));
      process.exitCode = exitCodeFor(statuses);
    } finally {
      await Promise.all(monitors.map((monitor) => monitor.stop()));
    }
  });
}

/** 3 when a database cannot be watched, 1 when something that could be read is not, else 0. */
function exitCodeFor(statuses: MonitorStatus[]): number {
  if (statuses.some(({ connection }) => connection !== 'watching')) return 3;
  return statuses.some(({ skipped }) => skipped.some(({ fix }) => fix !== null)) ? 1 : 0;
}

function doctorDocument(status: MonitorStatus): Record<string, unknown> {
  const { database, address, connection, message, hint, server, skipped, collectors } = status;
  return {
    database,
    address,
    connection,
    message,
    hint,
    server,
    skipped,
    collectors: collectors.map(({ name, state, message: why, lastDurationMs }) => ({
      name,
      state,
      message: why,
      lastDurationMs,
    })),
  };
}

function doctorScreen(monitor: DatabaseMonitor): string {
  const { address, connection, message, hint, server, skipped, collectors } = monitor.status();
  const lines = [`${paint('bold', monitor.name)}  ${paint('dim', address)}`];
  if (connection !== 'watching' || !server) {
    lines.push(`  ${paint('red', '✗')} ${connection}: ${message ?? 'no reason is known'}`);
    if (hint) lines.push(`    ${paint('dim', hint)}`);
    return lines.join('\n');
  }
  const role = server.isStandby ? 'standby' : 'primary';
  lines.push(
    `  ${paint('green', '✓')} PostgreSQL ${server.version} (${server.flavour}), ${role}, as ${server.user} in ${server.database}${server.pooled ? ', through a pooler' : ''}`,
  );
  const statements = server.statementsVersion;
  if (statements)
    lines.push(
      `  ${paint('green', '✓')} pg_stat_statements ${statements}, room for ${server.statementsMax ?? '?'} statements`,
    );
  for (const { name, state, message: why, lastDurationMs } of collectors) {
    const mark = state === 'ok' ? paint('green', '✓') : paint('yellow', '!');
    const text = state === 'ok' ? `read in ${formatMs(lastDurationMs)}` : `${state}: ${why ?? ''}`;
    lines.push(`  ${mark} ${name.padEnd(11)} ${text}`);
  }
  for (const { subject, reason, fix } of skipped) {
    lines.push(`  ${paint('yellow', '!')} ${subject} skipped: ${reason}`);
    if (fix) lines.push(`    ${paint('dim', 'fix')} ${fix}`);
  }
  if (skipped.length === 0) lines.push(`  ${paint('green', '✓')} everything can be read`);
  return lines.join('\n');
}
