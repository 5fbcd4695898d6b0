import type { PhysicalConnection } from '../../../engine/postgres/replication/physical/index.ts';
import { PitcrewError } from '../../../errors.ts';

/**
 * Asks a server again and again whether it is there, while another connection waits for it, as for a checkpoint: that can take long, and says nothing.
 * @param onSilent told once, when it has not answered for so long
 * @returns ends it
 */
export function watchServer(
  connection: PhysicalConnection,
  limitMs: number,
  onSilent: (error: PitcrewError) => void,
): () => void {
  let askedAt: number | undefined;
  const timer = setInterval(() => {
    if (askedAt === undefined) {
      askedAt = performance.now();
      connection.identify().then(
        () => (askedAt = undefined),
        // Whoever uses the connection is told.
        () => clearInterval(timer),
      );
      return;
    }
    const silentMs = performance.now() - askedAt;
    if (silentMs < limitMs) return;
    clearInterval(timer);
    onSilent(
      new PitcrewError('E_CONNECTION_LOST', `${connection.address} does not answer`, {
        detail: `It has said nothing for ${Math.round(silentMs / 1000)} s, though it was asked.`,
        hint: 'The network between may be cut, or the server may hang.',
      }),
    );
  }, limitMs / 3);
  return () => clearInterval(timer);
}
