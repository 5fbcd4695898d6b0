import type { PhysicalConnection } from './physical-connection.ts';

/**
 * Gives the server the manifest of an earlier backup; the next base backup on this connection can be incremental to it.
 * @throws {PitcrewError} `E_QUERY` for a manifest that the server cannot use, or of another cluster
 */
export async function uploadManifest(connection: PhysicalConnection, manifest: AsyncIterable<Buffer>): Promise<void> {
  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  ended.promise.catch(() => {});
  let over = false;
  const statement = connection.copy('UPLOAD_MANIFEST', {
    started: ready.resolve,
    ended(error) {
      over = true;
      ready.resolve();
      if (error) ended.reject(error);
      else ended.resolve();
    },
  });
  await ready.promise;
  try {
    for await (const bytes of manifest) {
      if (over) break;
      statement.send(bytes);
      await statement.drained();
    }
  } catch (error) {
    // Half a manifest must not be taken for a whole one.
    connection.destroy();
    throw error;
  }
  statement.finish();
  await ended.promise;
}
