import { Buffer } from 'node:buffer';
import { createZstdDecompress } from 'node:zlib';
import { messageOf, PitcrewError } from '../../../errors.ts';

/** Of what is unpacked, to be counted and forgotten. */
const chunkSize = 256 * 1024;

/**
 * Hands on one frame of zstd that another one has made, as it is. It is unpacked beside, for its length alone; which shows that it can be.
 * @param count is told the length of each piece of what was unpacked
 * @throws {PitcrewError} `E_QUERY` after what came, when that cannot be unpacked, breaks off or goes on behind its end
 */
export async function* passedOn(
  source: AsyncIterable<Uint8Array>,
  count: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const unpacking = createZstdDecompress({ chunkSize });
  unpacking.on('data', (piece: Uint8Array) => count(piece.length));
  const over = Promise.withResolvers<void>();
  over.promise.catch(() => {});
  unpacking.on('end', over.resolve);
  unpacking.on('error', (error) => over.reject(unreadable(messageOf(error), error)));
  let length = 0;
  try {
    for await (const piece of source) {
      // Whoever stores it may still have it when the next one comes, in the same place.
      const kept = Buffer.from(piece);
      length += kept.length;
      const unpacked = new Promise<void>((resolve) => unpacking.write(kept, () => resolve()));
      yield kept;
      await Promise.race([unpacked, over.promise]);
    }
    unpacking.end();
    await over.promise;
    // A server makes one frame; behind its end nothing is read here, nor would it be later.
    if (unpacking.bytesWritten !== length) throw unreadable('Something follows behind its end.');
  } finally {
    unpacking.destroy();
  }
}

function unreadable(detail: string, cause?: Error): PitcrewError {
  return new PitcrewError('E_QUERY', 'what the server has compressed cannot be unpacked', {
    detail,
    hint: 'Have the client compress, and look at what stands between.',
    cause,
  });
}
