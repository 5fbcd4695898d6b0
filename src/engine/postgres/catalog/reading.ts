import { PitcrewError } from '../../../errors.ts';
import type { DatabaseConnection, Parameter } from '../connection.ts';
import type { ServerProfile } from '../server-profile.ts';
import type { Skipped } from '../skipped.ts';
import { grantRole } from '../remedies.ts';

/** What a subject gave: its rows, and what could not be read of it. */
export interface Reading<Row> {
  rows: Row[];
  skipped: Skipped[];
}

/**
 * SQLSTATEs that mean "this server does not offer it to us", now and next time: insufficient privilege, undefined table,
 * column or function, feature not supported, and not in the state that it needs.
 */
const notOffered = new Set(['42501', '42P01', '42703', '42883', '0A000', '55000']);

/** Reads a subject; what the server does not offer becomes a `Skipped`, every other error is thrown. */
export async function read<Row extends object>(
  connection: DatabaseConnection,
  subject: string,
  sql: string,
  params: Parameter[] = [],
  how: 'run' | 'runPlanned' = 'run',
): Promise<Reading<Row>> {
  try {
    return { rows: await connection[how]<Row>(sql, params), skipped: [] };
  } catch (error) {
    if (!(error instanceof PitcrewError) || !error.sqlState || !notOffered.has(error.sqlState)) throw error;
    const reason = error.detail ?? error.message;
    return skip(subject, reason, error.sqlState === '42501' ? grantRole('pg_monitor', connection.user) : null);
  }
}

/** A reading without rows. */
export function skip(subject: string, reason: string, fix: string | null): Reading<never> {
  return { rows: [], skipped: [{ subject, reason, fix }] };
}

/** Gives `expression` where the server's relation has the column, else `NULL`: newer and older versions by capability. */
export function whereKnown(profile: ServerProfile, relation: string) {
  const columns = profile.columns.get(relation);
  return (column: string, expression: string = column): string => (columns?.has(column) ? expression : 'NULL');
}

/**
 * SQL for a number that changes whenever one of the terms (each an int8, or castable to it) does: rows that carry it can
 * be told from those that were read before, without sending them.
 */
export function changeOf(...terms: string[]): string {
  return terms.reduce((seed, term) => `hashint8extended(${term}, ${seed})`, '0');
}

/** An array literal of the changes already known. */
export function knownChanges(known: readonly string[]): string {
  return `{${known.join(',')}}`;
}
