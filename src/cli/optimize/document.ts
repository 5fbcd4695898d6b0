import type { Optimized } from './optimize-database.ts';

/** What `pitcrew optimize --json` says of one database. */
export function optimizeDocument(found: Optimized): Record<string, unknown> {
  const { database, address, dryRun, metrics, slow, plan, results, stale, ended } = found;
  const resultOf = new Map(results.map((result) => [result.task, result]));
  const endOf = new Map(ended.map((result) => [result.session, result]));
  return {
    database,
    address,
    dryRun,
    agreed: found.agreed,
    ...(metrics ? { metrics } : {}),
    ...(slow
      ? {
          explain: {
            reason: slow.reason,
            fix: slow.fix,
            statements: slow.statements.map(({ explained, ...statement }) => ({
              ...statement,
              findings: explained?.findings ?? [],
              rewrites: explained?.rewrites ?? [],
              plan: explained?.plan ?? null,
            })),
          },
        }
      : {}),
    ...(plan
      ? {
          maintenance: {
            tasks: plan.tasks.map((task) => {
              const { kind, schema, table, index = null, statement, reason, estimatedSeconds, freesBytes } = task;
              const result = resultOf.get(task);
              return {
                kind,
                schema,
                table,
                index,
                statement,
                why: reason,
                estimatedSeconds,
                freesBytes,
                outcome: result?.outcome ?? null,
                reason: result?.reason ?? null,
                ms: result?.ms ?? null,
                effect: result?.effect ?? null,
              };
            }),
            leftOut: plan.leftOut,
          },
        }
      : {}),
    ...(stale
      ? {
          cleanup: {
            sessions: stale.sessions.map((session) => {
              const { pid, user, application, client, state, seconds } = session;
              const result = endOf.get(session);
              return {
                pid,
                user,
                application,
                client,
                state,
                seconds,
                outcome: result?.outcome ?? null,
                reason: result?.reason ?? null,
              };
            }),
            leftOut: stale.leftOut,
          },
        }
      : {}),
  };
}
