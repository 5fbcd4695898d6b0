import { join } from 'node:path';
import {
  connectDatabase,
  type DatabaseConnection,
  probeProfile,
  type ServerProfile,
} from '../../src/engine/postgres/index.ts';
import { openTwin, type HypotheticalIndex, type Twin, type TwinOptions } from '../../src/ops/whatif/index.ts';
import { temporaryFolder } from './folder.ts';

export interface TwinOfTest extends AsyncDisposable {
  twin: Twin;
  connection: DatabaseConnection;
  profile: ServerProfile;
  dataDir: string;
}

/** A twin of a test's database; removed when the scope ends (`await using`). */
export async function twinOf(url: string, options: Partial<TwinOptions> = {}): Promise<TwinOfTest> {
  const folder = temporaryFolder();
  const connection = await connectDatabase({ url });
  const dataDir = join(folder.path, 'twin');
  const profile = await probeProfile(connection);
  const end = async (): Promise<void> => {
    await connection.close();
    await folder[Symbol.asyncDispose]();
  };
  try {
    const twin = await openTwin({ connection, profile, dataDir, ...options });
    return {
      twin,
      connection,
      profile,
      dataDir,
      async [Symbol.asyncDispose]() {
        await twin.close();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** A B-tree in `public` on columns or expressions, as SQL. */
export function hypothetical(
  id: string,
  table: string,
  keys: readonly string[],
  more: Partial<HypotheticalIndex> = {},
): HypotheticalIndex {
  return {
    id,
    schema: 'public',
    table,
    method: 'btree',
    keys: keys.map((expression) => ({ expression })),
    include: [],
    ...more,
  };
}
