import type { Attributes } from '@opentelemetry/api';
import type { StatementOutcome } from '../../observer.ts';
import { sqlStateOf } from '../../sql-state.ts';
import { errorCode } from '../error-code.ts';
import { querySummary } from './summary.ts';

/** Sets of attributes kept, so that none is made per statement. */
const mostSets = 5000;
/** Summaries told apart. Each makes series of its own, and names of tables can be made up without end. */
const mostSummaries = 300;

export interface StatementAttributes {
  spanName: string;
  attributes: Attributes;
}

/** The attributes of statements, by the conventions for PostgreSQL; a bounded number of them. */
export class AttributeSets {
  readonly #database: string | undefined;
  readonly #sets = new Map<string, StatementAttributes>();
  readonly #summaries = new Set<string>();

  /** @param database for `db.namespace` */
  constructor(database: string | undefined) {
    this.#database = database;
  }

  of({ description, endpoint, error }: StatementOutcome): StatementAttributes {
    const code = error && errorCode(error);
    const key = `${description?.fingerprint} ${endpoint} ${code ?? ''}`;
    const known = this.#sets.get(key);
    if (known) return known;
    if (this.#sets.size >= mostSets) this.#sets.clear();
    const summary = this.#bounded(querySummary(description));
    const state = error && sqlStateOf(error);
    const attributes: Attributes = {
      'db.system.name': 'postgresql',
      ...(this.#database === undefined ? {} : { 'db.namespace': this.#database }),
      ...(summary === undefined ? {} : { 'db.query.summary': summary }),
      ...addressOf(endpoint),
      ...(code === undefined ? {} : { 'error.type': code }),
      ...(state ? { 'db.response.status_code': state } : {}),
    };
    // The name of the system is what the conventions name a span of which no more is known.
    const set = { spanName: summary ?? 'postgresql', attributes };
    this.#sets.set(key, set);
    return set;
  }

  /** Beyond the bound the operation alone: `SELECT`. */
  #bounded(summary: string | undefined): string | undefined {
    if (summary === undefined || this.#summaries.has(summary)) return summary;
    if (this.#summaries.size >= mostSummaries) return summary.split(' ', 1)[0];
    this.#summaries.add(summary);
    return summary;
  }
}

const defaultPort = 5432;

/** The port is left out where it is PostgreSQL's own. */
function addressOf(endpoint: string): Attributes {
  const at = endpoint.lastIndexOf(':');
  if (at <= 0) return {};
  const port = Number(endpoint.slice(at + 1));
  const host = endpoint.slice(0, at).replace(/^\[(.*)\]$/, '$1');
  return { 'server.address': host, ...(port === defaultPort ? {} : { 'server.port': port }) };
}
