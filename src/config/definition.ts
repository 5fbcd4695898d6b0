import { z } from 'zod';
import { advisor } from './advisor.ts';
import { backups } from './backups.ts';
import { duration } from './duration.ts';
import { flag, postgresUrl, wholeNumber } from './values.ts';

/**
 * The one definition of every setting. From it come the config file's types and checks, the environment variables
 * (`server.port` → `PITCREW_SERVER_PORT`), the flags (`--server-port`), the defaults and docs/configuration.md.
 *
 * `meta` carries: `description` (required), `env` and `flag` where a shorter name is wanted, `secret` for values that
 * must never be shown.
 */
const name = z.string().regex(/^[a-z][a-z0-9_-]{0,62}$/, {
  message: 'a name of lower-case letters, digits, "-" and "_", beginning with a letter, is allowed',
});

const databases = z.record(name, postgresUrl).default({}).meta({
  description:
    'The databases to watch, by a name of your choice. The environment variable and the flag give one, called "main".',
  kind: 'name → URL',
  env: 'DATABASE_URL',
  flag: 'database',
  secret: true,
});

const store = z
  .strictObject({
    url: postgresUrl.optional().meta({
      description: 'PostgreSQL in which the history is kept. Without it, an embedded one in `dataDir`.',
      flag: 'store',
      secret: true,
      kind: 'URL',
    }),
    retention: z
      .strictObject({
        raw: duration('24h', { min: '10m' }).meta({ description: 'How long samples of 10 s are kept.' }),
        minute: duration('7d', { min: '1h' }).meta({ description: 'How long values per minute are kept.' }),
        quarterHour: duration('90d', { min: '1d' }).meta({ description: 'How long values per 15 minutes are kept.' }),
        hour: duration('2y', { min: '1d' }).meta({ description: 'How long values per hour are kept.' }),
      })
      .prefault({}),
  })
  .prefault({});

const server = z
  .strictObject({
    host: z.string().min(1).default('127.0.0.1').meta({
      description: 'Address to listen on. Beyond loopback a token is required.',
      flag: 'host',
    }),
    port: wholeNumber(0, 65_535).default(7432).meta({
      description: 'Port to listen on; 0 takes any free one.',
      flag: 'port',
    }),
    token: z.string().min(16).optional().meta({
      description: 'Token that API, dashboard and metrics ask for (at least 16 characters). `/healthz` never asks.',
      env: 'PITCREW_TOKEN',
      flag: false,
      secret: true,
    }),
  })
  .prefault({});

const monitor = z
  .strictObject({
    cadence: z
      .strictObject({
        activity: duration('1s', { min: '250ms', max: '1m' }).meta({ description: 'How often sessions are sampled.' }),
        statements: duration('10s', { min: '1s', max: '10m' }).meta({
          description: 'How often pg_stat_statements is read.',
        }),
        instance: duration('10s', { min: '1s', max: '10m' }).meta({
          description: 'How often the counters of the server and of replication are read.',
        }),
        tables: duration('1m', { min: '1s', max: '1h' }).meta({
          description: 'How often the counters of tables and indexes are read.',
        }),
        slow: duration('10m', { min: '1s', max: '1d' }).meta({
          description: 'How often sizes, settings, sequences and capabilities are read.',
        }),
      })
      .prefault({}),
    statementTimeout: duration('5s', { min: '100ms', max: '1m' }).meta({
      description: "statement_timeout of Pitcrew's own queries on a watched database.",
    }),
    lockTimeout: duration('100ms', { min: '1ms', max: '5s' }).meta({
      description: "lock_timeout of Pitcrew's own queries on a watched database.",
    }),
    slowStatement: duration('500ms', { min: '1ms' }).meta({
      description: 'A statement whose mean is above this counts as slow.',
    }),
    plans: flag.default(true).meta({
      description:
        'Plan a few of the statements that take the most time every minute (EXPLAIN; never run), to notice when their plans change.',
    }),
    topStatements: wholeNumber(0, 500).default(20).meta({
      description: 'How many statements `/metrics` names; the rest is summed up.',
    }),
    cpus: wholeNumber(1, 4096).optional().meta({
      description: "CPUs of the watched server. Known by itself when the server is on the daemon's machine.",
    }),
  })
  .prefault({});

const actions = z
  .strictObject({
    sessions: flag.default(false).meta({
      description: 'Allow cancelling and terminating sessions from the dashboard and the API.',
    }),
    resetStatistics: flag.default(false).meta({
      description: 'Allow resetting pg_stat_statements from the API.',
    }),
    cache: flag.default(false).meta({
      description:
        "Allow clearing, invalidating and warming applications' caches from the dashboard, the API and `pitcrew cache`.",
    }),
    advice: flag.default(false).meta({
      description: 'Allow applying and undoing advice from the dashboard, the API and `pitcrew advise`.',
    }),
    backups: flag.default(false).meta({
      description: 'Allow making, checking and proving backups from the dashboard and the API.',
    }),
  })
  .prefault({});

const log = z
  .strictObject({
    level: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
      .default('info')
      .meta({ description: 'The least serious messages that are logged.', flag: 'log-level' }),
    dir: z.string().min(1).optional().meta({
      description: 'Folder for log files, one per channel and day. Without it the log goes to stderr.',
    }),
    keepDays: wholeNumber(1, 3650).default(14).meta({
      description: 'Days that log files are kept; 512 MiB per channel at most.',
    }),
  })
  .prefault({});

/** The root of the definition. Unknown keys are refused at every level. */
export const configDefinition = z
  .strictObject({
    databases,
    dataDir: z.string().min(1).optional().meta({
      description:
        'Folder of the daemon: the embedded store and its lock. Default: `$XDG_STATE_HOME/pitcrew`, else `~/.local/state/pitcrew`; for root `/var/lib/pitcrew`.',
      flag: 'data-dir',
    }),
    store,
    server,
    monitor,
    actions,
    advisor,
    backups,
    log,
  })
  .superRefine(({ databases: known, backups: wanted }, context) => {
    for (const key of Object.keys(wanted)) {
      if (Object.hasOwn(known, key)) continue;
      const message = `the name of one of the databases is allowed (${Object.keys(known).join(', ') || 'there are none'})`;
      context.addIssue({ code: 'custom', path: ['backups', key], message, input: key });
    }
  });

/** What a `pitcrew.config.ts` may contain. */
export type ConfigInput = z.input<typeof configDefinition>;

/** Every setting, checked, with defaults filled in. Durations are milliseconds. */
export type Config = z.output<typeof configDefinition>;
