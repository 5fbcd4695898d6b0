import type { DatabaseConnection, ServerProfile } from '../../../../engine/postgres/index.ts';
import type { Finding } from '../../types.ts';
import type { Workload } from '../../workload/types.ts';
import { readModel } from './read-model.ts';

/**
 * The tables that a twin needs for a workload, so that it need not carry all of a large database: those that statements name, by
 * themselves or through views, and those that refer to them.
 */
export async function tablesOfWorkload(
  connection: DatabaseConnection,
  profile: ServerProfile,
  workload: Workload,
  drops: readonly Finding[] = [],
): Promise<{ schema: string; name: string }[]> {
  const named = drops.flatMap(({ subject }) => subject.table ?? []);
  const { tables } = await readModel(connection, profile, workload.statements, named);
  return [...tables.values()].map(({ schema, name }) => ({ schema, name }));
}
