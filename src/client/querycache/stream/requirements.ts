import type pg from 'pg';
import { PitcrewError } from '../../../errors.ts';
import { candidatesSql, requirementsSql } from './publication-sql.ts';
import type { ChangeStreamOptions } from './types.ts';

/** Why there can be no stream, and what can be done about it. */
export interface Problem {
  /** A short fact. */
  readonly message: string;
  readonly hint: string;
}

export type RequirementOptions = Pick<ChangeStreamOptions, 'publication' | 'createPublication' | 'permanentSlot'>;

interface Found {
  walLevel: string;
  standby: boolean;
  role: string;
  superuser: boolean;
  mayReplicate: boolean;
  mayCreate: boolean;
  slots: number;
  slotsUsed: number;
  senders: number;
  sendersUsed: number;
  slotsBounded: boolean;
  anyStandby: boolean;
  published: boolean;
  viaRoot: boolean | null;
  allKinds: boolean | null;
  allTables: boolean | null;
  slotThere: boolean;
  slotActive: boolean | null;
  slotFits: boolean | null;
  slotLost: boolean | null;
}

interface Candidate {
  name: string;
  partitioned: boolean;
  owned: boolean;
  identified: boolean;
  published: boolean;
}

/** What the server said, and all that stands in the way. */
export interface Requirements {
  problems: Problem[];
  published: boolean;
  allTables: boolean;
  slotThere: boolean;
  slotLost: boolean;
}

/**
 * Looks, without changing anything, whether a role can read a change stream from a server, and names everything that stands in the
 * way, not just the first.
 */
export async function checkRequirements(client: pg.ClientBase, options: RequirementOptions): Promise<Requirements> {
  const publication = options.publication ?? 'pitcrew';
  const { rows } = await client.query<Found>(requirementsSql, [publication, options.permanentSlot ?? null]);
  const [found] = rows;
  if (!found) throw new Error('the server does not know the role that we are');
  const slotTaken = found.slotThere && !found.slotLost;
  const problems = [
    ...serverProblems(found, slotTaken),
    ...slotProblems(found, options.permanentSlot),
    ...publicationProblems(found, publication, options.createPublication),
  ];
  if (problems.length === 0 && options.createPublication === 'all tables' && found.allTables !== true) {
    problems.push(...(await harmProblems(client, publication)));
  }
  return {
    problems,
    published: found.published,
    allTables: found.allTables === true,
    slotThere: found.slotThere,
    slotLost: found.slotLost === true,
  };
}

export function refusal(problems: readonly Problem[]): PitcrewError {
  return new PitcrewError('E_UNSUPPORTED', 'the changes of the database cannot be read', {
    detail: `${problems.map(({ message }) => message).join('; ')}.`,
    hint: problems.map(({ hint }) => hint).join(' '),
  });
}

/** For people: what it is, and what can be done. */
export function sentences(problems: readonly Problem[]): string[] {
  return problems.map(({ message, hint }) => `${message}. ${hint}`);
}

/** Tables that can be added to a publication without harm, and those that cannot, with why. */
export async function candidates(
  client: pg.ClientBase,
  publication: string,
): Promise<{ add: { name: string; partitioned: boolean }[]; leftOut: Problem[] }> {
  const { rows } = await client.query<Candidate>(candidatesSql, [publication]);
  const missing = rows.filter(({ published }) => !published);
  return {
    add: missing.filter(({ owned, identified }) => owned && identified),
    leftOut: missing.flatMap(({ name, owned, identified }) => {
      if (!identified) return [withoutIdentity(name)];
      return owned ? [] : [{ message: `${name} is another role's`, hint: `Its owner can publish it.` }];
    }),
  };
}

function serverProblems(found: Found, slotTaken: boolean): Problem[] {
  const problems: Problem[] = [];
  if (found.standby) {
    problems.push({ message: 'the server is a standby', hint: 'The stream is read from the primary.' });
  }
  if (found.walLevel !== 'logical') {
    problems.push({
      message: `wal_level is ${found.walLevel}`,
      hint: `ALTER SYSTEM SET wal_level = 'logical', then restart the server; on RDS set rds.logical_replication.`,
    });
  }
  if (!found.mayReplicate) {
    problems.push({
      message: `the role ${found.role} may not replicate`,
      hint: `ALTER ROLE ${found.role} REPLICATION; on RDS: GRANT rds_replication TO ${found.role}.`,
    });
  }
  if (!slotTaken && found.slotsUsed >= found.slots) {
    problems.push({
      message: `all ${found.slots} replication slots are taken`,
      hint: 'Raise max_replication_slots and restart, or drop a slot that nobody uses: pg_replication_slots lists them.',
    });
  }
  if (found.sendersUsed >= found.senders) {
    problems.push({
      message: `all ${found.senders} WAL senders are taken`,
      hint: 'Raise max_wal_senders and restart: pg_stat_replication lists who has them.',
    });
  }
  // Whoever reads the log may be taken for one, and commits would be acknowledged by a reader that stores nothing.
  if (found.anyStandby) {
    problems.push({
      message: `synchronous_standby_names has *, by which the stream would count as a synchronous standby`,
      hint: 'Name the standbys in synchronous_standby_names.',
    });
  }
  return problems;
}

function slotProblems(found: Found, slot: string | undefined): Problem[] {
  if (slot === undefined) return [];
  const problems: Problem[] = [];
  if (!found.slotsBounded) {
    problems.push({
      message: 'a permanent slot could fill the disk of the server',
      hint: 'Set max_slot_wal_keep_size, such as 1GB, or do without permanentSlot.',
    });
  }
  if (found.slotThere && !found.slotFits) {
    problems.push({
      message: `the slot ${slot} is for something else`,
      hint: 'Choose another name: it is of another database or plugin.',
    });
  }
  if (found.slotActive === true) {
    problems.push({ message: `the slot ${slot} is in use`, hint: 'One process at a time can read from it.' });
  }
  return problems;
}

function publicationProblems(found: Found, name: string, create: 'tables' | 'all tables' | undefined): Problem[] {
  const problems: Problem[] = [];
  if (found.viaRoot === true) {
    problems.push({
      message: `the publication ${name} tells of partitions in the name of their table`,
      hint: `ALTER PUBLICATION ${name} SET (publish_via_partition_root = false)`,
    });
  }
  if (found.published && found.allKinds !== true) {
    problems.push({
      message: `the publication ${name} leaves kinds of changes out`,
      hint: `ALTER PUBLICATION ${name} SET (publish = 'insert, update, delete, truncate')`,
    });
  }
  if (!found.published && create === undefined) {
    problems.push({
      message: `there is no publication ${name}`,
      hint: `CREATE PUBLICATION ${name} FOR TABLE …, or allow it with createPublication: 'tables'.`,
    });
  }
  if (!found.published && create !== undefined && !found.mayCreate) {
    problems.push({
      message: `the role ${found.role} may not create a publication`,
      hint: `GRANT CREATE ON DATABASE … TO ${found.role}, or let the owner of the tables create it.`,
    });
  }
  if (create === 'all tables' && found.allTables !== true && !found.superuser) {
    problems.push({
      message: 'only a superuser can publish all tables',
      hint: `Use createPublication: 'tables', or let a superuser create the publication.`,
    });
  }
  if (create === 'all tables' && found.published && found.allTables === false) {
    problems.push({
      message: `the publication ${name} is one of certain tables`,
      hint: `Drop it, or use createPublication: 'tables'.`,
    });
  }
  return problems;
}

/** Tables whose UPDATE would fail if all tables were published. */
async function harmProblems(client: pg.ClientBase, publication: string): Promise<Problem[]> {
  const { rows } = await client.query<Candidate>(candidatesSql, [publication]);
  return rows.filter(({ identified }) => !identified).map(({ name }) => withoutIdentity(name));
}

function withoutIdentity(name: string): Problem {
  return {
    message: `UPDATE and DELETE of ${name} would fail if it were published: its rows cannot be told apart`,
    hint: `Add a primary key, or ALTER TABLE ${name} REPLICA IDENTITY FULL.`,
  };
}
