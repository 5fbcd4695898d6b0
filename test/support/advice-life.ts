import { expect } from 'vitest';
import { configDefinition } from '../../src/config/definition.ts';
import {
  type Advisor,
  type AdvisorOptions,
  createAdvisor,
  type Finding,
  type Remedy,
} from '../../src/ops/advisor/index.ts';
import {
  type StatementDelta,
  type StatementText,
  type StoredAdvice,
  zeroStatement,
} from '../../src/ops/store/index.ts';
import { freshStore, type TestStore } from './monitored.ts';
import { type TestDatabase, testDatabase } from './postgres.ts';

/** Few calls are enough to tell, and nothing is waited for long. */
export const quickConfig = configDefinition.parse({
  advisor: { enabled: false, measure: { window: '10m', minCalls: 20 } },
}).advisor;
export const quickPatience = { gentleLockMs: 300, roughLockMs: 300, attempts: 3, pauseMs: 10 };

export const silent: AdvisorOptions['logger'] = { info() {}, warn() {}, error() {} };

/** A finding with a remedy, as checks make them. */
export function findingFor(key: string, remedy: Partial<Remedy> & Pick<Remedy, 'kind' | 'fix' | 'undo'>): Finding {
  return {
    check: 'made-up',
    key,
    severity: 'warning',
    subject: { kind: 'table', schema: 'public', name: 'orders' },
    title: `Something is to be done about ${key}`,
    explanation: 'Because of a test.',
    evidence: [],
    gain: null,
    remedy: { risk: 'low', riskDetail: 'None.', appliable: true, ...remedy },
  };
}

export interface AdviceLife extends AsyncDisposable {
  database: TestDatabase;
  kept: TestStore;
  targetId: number;
  /** Another advisor of the same database and store. */
  advisor(options?: Partial<AdvisorOptions>): Advisor;
  add(finding: Finding): Promise<StoredAdvice>;
  read(id: number): Promise<StoredAdvice>;
  /** The log of changes, oldest first, as `purpose outcome statement`. */
  log(): Promise<string[]>;
  /** Names of the indexes of all tables, those that are not valid with `!`. */
  indexes(): Promise<string[]>;
  /** Does work on the database and writes what pg_stat_statements counted of it into history, as if it had been so long ago, within `seconds` (10). */
  traffic(secondsAgo: number, work: () => Promise<unknown>, seconds?: number): Promise<void>;
  /** Does work again and again, of a moment ago, until advice that is measured is in that state: a stall may leave the first time in doubt. */
  trafficUntil(id: number, state: StoredAdvice['state'], work: () => Promise<unknown>): Promise<void>;
  /** As if what was applied had been applied so much earlier. */
  age(id: number, seconds: number): Promise<void>;
}

/** A database with a store of its own and as many advisors as are asked for. */
export async function adviceLife(url?: string, major = 18): Promise<AdviceLife> {
  const database = await testDatabase(major);
  await database.query('CREATE EXTENSION pg_stat_statements');
  const kept = await freshStore();
  const { store } = kept;
  const targetId = await store.target('shop');
  await store.claim(targetId);
  const advisors: Advisor[] = [];
  const traffic: AdviceLife['traffic'] = async (secondsAgo, work, seconds = 10) => {
    await database.query(
      'SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()), 0)',
    );
    await work();
    const { statements, texts } = await readCounted(database);
    const at = new Date(Date.now() - secondsAgo * 1000);
    store.append({ targetId, collector: 'statements', at, seconds, statements, texts });
    await store.flush();
  };
  const read = async (id: number): Promise<StoredAdvice> => {
    const advice = await store.advice.get(targetId, id);
    if (!advice) throw new Error(`no advice ${id}`);
    return advice;
  };
  return {
    database,
    kept,
    targetId,
    read,
    advisor(options = {}) {
      const advisor = createAdvisor({
        name: 'shop',
        url: url ?? database.url,
        store,
        config: quickConfig,
        logger: silent,
        patience: quickPatience,
        tickMs: 50,
        ...options,
      });
      advisors.push(advisor);
      return advisor;
    },
    async add(finding) {
      const { key, check, severity, remedy } = finding;
      const kind = remedy?.kind ?? '';
      await store.advice.save(targetId, [{ type: 'new', key, check, severity, kind, state: 'found', finding }], {
        at: new Date(),
        by: 'test',
      });
      const advice = (await store.advice.list({ targetId })).find((each) => each.key === key);
      if (!advice) throw new Error(`${key} was not stored`);
      return advice;
    },
    async log() {
      const changes = await store.advice.changes({ targetId, limit: 1000 });
      return changes.toReversed().map(({ purpose, outcome, statement }) => `${purpose} ${outcome}: ${statement}`);
    },
    async indexes() {
      const rows = await database.query<{ name: string }>(`
        SELECT c.relname || CASE WHEN i.indisvalid THEN '' ELSE '!' END AS name
          FROM pg_index i
          JOIN pg_class c ON c.oid = i.indexrelid
          JOIN pg_class t ON t.oid = i.indrelid
         WHERE t.relnamespace = 'public'::regnamespace AND NOT i.indisprimary
         ORDER BY 1`);
      return rows.map(({ name }) => name);
    },
    traffic,
    async trafficUntil(id, state, work) {
      await traffic(15, work);
      await expect
        .poll(
          async () => {
            const { state: now } = await read(id);
            if (now === 'measuring') await traffic(15, work);
            return now;
          },
          { timeout: 50_000, interval: 1000 },
        )
        .toBe(state);
    },
    async age(id, seconds) {
      await kept.database.query(
        `UPDATE pitcrew.advice
            SET apply_began_at = apply_began_at - make_interval(secs => $2), applied_at = applied_at - make_interval(secs => $2)
          WHERE id = $1`,
        [id, seconds],
      );
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(advisors.map((advisor) => advisor.stop()));
      await kept[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

async function readCounted(database: TestDatabase): Promise<{ statements: StatementDelta[]; texts: StatementText[] }> {
  const rows = await database.query<
    { queryId: string; user: string; text: string } & Record<'calls' | 'total' | 'squares', number>
  >(`
    SELECT s.queryid::text                                     AS "queryId",
           r.rolname                                           AS "user",
           s.query                                             AS "text",
           s.calls::float8                                     AS "calls",
           s.total_exec_time * 1000                            AS "total",
           s.calls * (s.stddev_exec_time ^ 2 + s.mean_exec_time ^ 2) AS "squares"
      FROM pg_stat_statements s
      JOIN pg_roles r ON r.oid = s.userid
     WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())`);
  const keyed = rows.map((row) => ({
    row,
    key: { database: database.name, user: row.user, queryId: row.queryId, toplevel: true },
  }));
  return {
    statements: keyed.map(({ row, key }) => ({
      key,
      counters: {
        ...zeroStatement,
        calls: row.calls,
        totalExecUs: Math.round(row.total),
        sumSquaresMs2: row.squares,
      },
    })),
    texts: keyed.map(({ row, key }) => ({ key, text: row.text, own: false })),
  };
}
