import { join } from 'node:path';
import { connectDatabase, probeProfile } from '../../src/engine/postgres/index.ts';
import { openTwin, type Twin, type TwinOptions } from '../../src/ops/whatif/index.ts';
import { temporaryFolder } from './folder.ts';

/** A twin of a database, in a folder of its own that goes with it. */
export async function twinOf(url: string, options: Partial<TwinOptions> = {}): Promise<Twin> {
  const folder = temporaryFolder();
  const connection = await connectDatabase({ url });
  try {
    const profile = await probeProfile(connection);
    const twin = await openTwin({ connection, profile, dataDir: join(folder.path, 'twin'), ...options });
    const close = async (): Promise<void> => {
      await twin.close();
      await folder[Symbol.asyncDispose]();
    };
    return { ...twin, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  } finally {
    await connection.close();
  }
}
