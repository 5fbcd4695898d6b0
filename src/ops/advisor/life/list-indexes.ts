import { connectDatabase, type ListedIndex, probeProfile, readIndexList } from '../../../engine/postgres/index.ts';

/** Indexes of a database, table by table, as its catalog has them now. Throws of connecting. */
export async function listIndexes(
  url: string,
  page: { search: string; limit: number; offset: number },
): Promise<ListedIndex[]> {
  const connection = await connectDatabase({ url });
  try {
    return (await readIndexList(connection, await probeProfile(connection), page)).rows;
  } finally {
    await connection.close();
  }
}
