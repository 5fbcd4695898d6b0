/**
 * Hands on what comes, one piece after the other and none ahead. A source that does not go on does not hold up whoever stops it.
 * @throws the signal's reason
 */
export async function* stoppable<Piece>(
  source: AsyncIterable<Piece>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Piece> {
  const pieces = source[Symbol.asyncIterator]();
  let stop = (): void => {};
  const onAbort = (): void => stop();
  signal?.addEventListener('abort', onAbort);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const next = await new Promise<IteratorResult<Piece>>((resolve, reject) => {
        stop = () => reject(signal?.reason);
        pieces.next().then(resolve, reject);
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    const left = Promise.resolve(pieces.return?.());
    // One that hangs does not leave either.
    if (signal?.aborted) left.catch(() => {});
    else await left;
  }
}
