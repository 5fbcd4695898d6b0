import {
  type DatabaseConnection,
  quoteIdentifier,
  readPreparedTransactions,
  readSlots,
  type ServerProfile,
} from '../../../../../engine/postgres/index.ts';
import { count, duration } from '../../../../words/index.ts';
import type { Evidence, Remedy } from '../../../types.ts';

/** Who keeps row versions alive that nobody else needs, so that VACUUM cannot remove them. */
export interface Holder {
  kind: 'session' | 'prepared' | 'slot' | 'standby';
  /** "the session 4711 (shop, idle in transaction for 2 h)". */
  text: string;
  /** Transactions begun since the oldest that it needs. */
  xminAge: number;
  /** `null` when not known. */
  since: Date | null;
  /** What ends it. */
  end: string | null;
}

export interface Horizon {
  /** The one that goes back furthest; `null` when none is known. */
  oldest: Holder | null;
  /** Sessions of other roles do not show what they hold. */
  hidden: boolean;
}

interface SessionRow {
  pid: number;
  application: string;
  state: string | null;
  standby: boolean;
  xminAge: number;
  since: Date | null;
  seconds: number | null;
}

/** What holds VACUUM back in this database now: transactions, prepared ones, slots, queries on standbys. */
export async function readHorizon(connection: DatabaseConnection, profile: ServerProfile): Promise<Horizon> {
  const sessions = await connection.run<SessionRow>(
    `
    SELECT pid                                                       AS "pid",
           coalesce(nullif(application_name, ''), usename, '')       AS "application",
           state                                                     AS "state",
           backend_type = 'walsender'                                AS "standby",
           greatest(age(backend_xmin), age(backend_xid))             AS "xminAge",
           coalesce(xact_start, backend_start)                       AS "since",
           extract(epoch FROM clock_timestamp() - xact_start)        AS "seconds"
      FROM pg_stat_activity
     WHERE pid <> pg_backend_pid()
       AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)
       AND (datname = current_database() OR backend_type = 'walsender')
       AND query NOT LIKE 'VACUUM%'
       AND query NOT LIKE 'autovacuum:%'
    `,
  );
  const holders = sessions.map(holderOf);
  const prepared = (await readPreparedTransactions(connection)).rows.filter(
    ({ database }) => database === profile.database,
  );
  for (const { gid, xidAge, preparedAt } of prepared) {
    const end = `ROLLBACK PREPARED '${gid.replaceAll("'", "''")}'`;
    holders.push({
      kind: 'prepared',
      text: `the prepared transaction ${gid}`,
      xminAge: xidAge,
      since: preparedAt,
      end,
    });
  }
  for (const { slot, xminAge, active } of (await readSlots(connection, profile)).rows) {
    if (xminAge === null) continue;
    const text = `the replication slot ${quoteIdentifier(slot)}${active ? ', by queries on its standby' : ', which nobody reads'}`;
    holders.push({ kind: 'slot', text, xminAge, since: null, end: null });
  }
  const oldest = holders.toSorted((a, b) => b.xminAge - a.xminAge)[0] ?? null;
  return { oldest, hidden: !profile.rights.readAllStats };
}

function holderOf({ pid, application, state, standby, xminAge, since, seconds }: SessionRow): Holder {
  const name = application === '' ? '' : `${application}, `;
  const long = seconds === null ? '' : ` for ${duration(seconds)}`;
  return standby
    ? { kind: 'standby', text: `the standby ${application}, by queries that run there`, xminAge, since, end: null }
    : {
        kind: 'session',
        text: `the session ${pid} (${name}${state ?? 'state unknown'}${long})`,
        xminAge,
        since,
        end: `SELECT pg_terminate_backend(${pid})`,
      };
}

/** Whether it keeps VACUUM from a table: it has been there for a quarter of an hour, or VACUUM came by since and left the rows. */
export function holdsBack({ since }: Holder, lastVacuum: Date | null, now: Date): boolean {
  if (since === null) return lastVacuum !== null;
  return now.getTime() - since.getTime() > 900_000 || (lastVacuum !== null && lastVacuum > since);
}

export function holderEvidence({ text, xminAge }: Holder): Evidence[] {
  return [
    { label: 'Held back by', value: text },
    { label: 'Transactions since', value: xminAge },
  ];
}

/** What to do about the one who holds VACUUM back. A person decides: its work is lost. */
export function holderRemedy({ kind, text, end, xminAge }: Holder): Remedy {
  const detail = {
    session: 'Ending the session rolls its transaction back; its client sees an error.',
    prepared: 'Whether a prepared transaction is to be committed or rolled back, its transaction manager knows.',
    slot: 'Where its reader will not come back, drop the slot; a reader that does would have to be set up anew.',
    standby: 'Look for long queries on the standby; without hot_standby_feedback they would be cancelled instead.',
  };
  return {
    kind: kind === 'session' ? 'session' : 'manual',
    fix: kind === 'session' && end !== null ? [end] : [],
    undo: [],
    risk: 'medium',
    riskDetail: `VACUUM cannot help while ${text} needs what ${count(xminAge)} transactions have changed since. ${detail[kind]}${kind === 'prepared' && end !== null ? ` To give it up: ${end}.` : ''}`,
    appliable: false,
  };
}
