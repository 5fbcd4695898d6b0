import { quoteIdentifier } from '../../../engine/postgres/identifiers.ts';
import { functionSchema } from './trigger-function.ts';

/** The four triggers of a table: statement by statement, because a trigger for each row would cost for each row. */
const kinds = [
  { name: 'pitcrew_insert', event: 'INSERT', type: 4, old: false, new: true },
  { name: 'pitcrew_delete', event: 'DELETE', type: 8, old: true, new: false },
  { name: 'pitcrew_update', event: 'UPDATE', type: 16, old: true, new: true },
  { name: 'pitcrew_truncate', event: 'TRUNCATE', type: 32, old: false, new: false },
] as const;

/** As `coverageSql` describes them: kind, that they always fire, names of the transition tables, function. */
export function expectedTriggers(functionName: string): string[] {
  return kinds.map((kind) =>
    [kind.type, 'A', kind.old ? 'pitcrew_old' : '-', kind.new ? 'pitcrew_new' : '-', functionName].join(' '),
  );
}

/**
 * Makes the triggers of a table, all or none, to be sent as one text within a transaction. They fire in sessions with
 * `session_replication_role = replica` too.
 * @param table as it is written in SQL.
 */
export function triggersSql(table: string, functionName: string): string {
  const call = `${functionSchema}.${quoteIdentifier(functionName)}`;
  const create = kinds.map((kind) => {
    const rows = [kind.old ? 'OLD TABLE AS pitcrew_old' : '', kind.new ? 'NEW TABLE AS pitcrew_new' : ''].filter(
      Boolean,
    );
    const referencing = rows.length > 0 ? `REFERENCING ${rows.join(' ')}` : '';
    return `
CREATE /* pitcrew */ OR REPLACE TRIGGER ${kind.name} AFTER ${kind.event} ON ${table} ${referencing}
  FOR EACH STATEMENT EXECUTE FUNCTION ${call}();`;
  });
  const always = kinds.map(({ name }) => `ENABLE ALWAYS TRIGGER ${name}`).join(', ');
  return `${create.join('')}
ALTER /* pitcrew */ TABLE ONLY ${table} ${always};`;
}
