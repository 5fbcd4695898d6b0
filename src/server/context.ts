import type { HttpBindings } from '@hono/node-server';
import { OpenAPIHono } from '@hono/zod-openapi';
import { type Config, nearest } from '../config/index.ts';
import { PitcrewError } from '../errors.ts';
import type { Advisor } from '../ops/advisor/index.ts';
import type { BackupService } from '../ops/backup/index.ts';
import type { DatabaseMonitor } from '../ops/monitor/index.ts';
import type { History, Store } from '../ops/store/index.ts';

/** What the server asks of a logger; pino's and console-shaped loggers fit. */
export interface Logger {
  debug(fields: object, message?: string): void;
  info(fields: object, message?: string): void;
  warn(fields: object, message?: string): void;
  error(fields: object, message?: string): void;
}

/** Everything the HTTP side knows. */
export interface AppContext {
  /** The watched databases; the first is the default of `?database=`. */
  monitors: readonly DatabaseMonitor[];
  /** Those who look after the advice of databases; without them the paths of advice are 422. */
  advisors?: readonly Advisor[];
  /** Those who look after the backups of databases: of those alone that the settings have backups of. */
  backups?: readonly BackupService[];
  /** History; without it the answers that need it are 503 and the dashboard shows live data only. */
  store: Store | undefined;
  config: Pick<Config, 'server' | 'monitor' | 'actions'>;
  /** Pitcrew's version. */
  version: string;
  logger: Logger;
  /** Folder of the built dashboard; found beside the program by default. */
  uiDir?: string;
  /** Path under which another application mounts the handler: `/pitcrew`. Empty for a server of our own. */
  prefix?: string;
}

/** What `startServer` hands to the handler; absent when the handler runs inside another server. */
export interface Bindings extends Partial<HttpBindings> {
  /** Aborted when the server shuts down, so that event streams end. */
  closing?: AbortSignal;
  /** How often an event stream must show that it is alive. */
  heartbeatMs?: number;
}

export interface Env {
  Bindings: Bindings;
}

/** The application that routes add themselves to. */
export type Api = OpenAPIHono<Env>;

/**
 * The monitor that `?database=` names, the first without it.
 * @throws {PitcrewError} `E_NOT_FOUND` that lists the known names.
 */
export function pickMonitor(context: AppContext, name: string | undefined): DatabaseMonitor {
  const names = context.monitors.map((monitor) => monitor.name);
  const monitor = name === undefined ? context.monitors[0] : context.monitors.find((each) => each.name === name);
  if (monitor) return monitor;
  if (name === undefined) {
    throw new PitcrewError('E_NOT_FOUND', 'no database is watched', {
      hint: 'Give one with --database or DATABASE_URL.',
    });
  }
  throw new PitcrewError('E_NOT_FOUND', `no watched database is called "${name}"`, {
    detail: names.length === 0 ? 'No database is watched.' : `Watched databases: ${names.join(', ')}.`,
    hint: nearest(name, names) === undefined ? undefined : `Did you mean "${nearest(name, names)}"?`,
  });
}

/**
 * The store.
 * @throws {PitcrewError} `E_STORE_UNAVAILABLE` when there is none.
 */
export function storeOf(context: AppContext): Store {
  if (context.store) return context.store;
  throw new PitcrewError('E_STORE_UNAVAILABLE', 'no history is kept', {
    detail: 'This server runs without a store.',
    hint: 'Start it with a data directory or --store.',
  });
}

/**
 * History for reading.
 * @throws {PitcrewError} `E_STORE_UNAVAILABLE` when there is no store; its own methods throw the same while it is away.
 */
export function historyOf(context: AppContext): History {
  return storeOf(context).history;
}

/**
 * The advisor of a watched database.
 * @throws {PitcrewError} `E_UNSUPPORTED` when there is none
 */
export function advisorOf(context: AppContext, monitor: DatabaseMonitor): Advisor {
  const advisor = context.advisors?.find(({ name }) => name === monitor.name);
  if (advisor) return advisor;
  throw new PitcrewError('E_UNSUPPORTED', 'no advice is kept', {
    detail: 'This server runs without an advisor.',
    hint: '"pitcrew serve" has one.',
  });
}
