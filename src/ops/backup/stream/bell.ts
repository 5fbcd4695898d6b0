/** Wakes whoever waits for something to change. */
export interface Bell {
  ring(): void;
  /** Resolves at the next ring, after so many ms, or when the signal is given, whichever is first. */
  heard(options?: { ms?: number; signal?: AbortSignal | undefined }): Promise<void>;
}

export function makeBell(): Bell {
  const waiting = new Set<() => void>();
  return {
    ring() {
      for (const wake of waiting) wake();
    },
    heard({ ms, signal } = {}) {
      return new Promise((resolve) => {
        const timer = ms === undefined ? undefined : setTimeout(wake, Math.max(0, ms));
        function wake(): void {
          waiting.delete(wake);
          clearTimeout(timer);
          signal?.removeEventListener('abort', wake);
          resolve();
        }
        waiting.add(wake);
        signal?.addEventListener('abort', wake);
        if (signal?.aborted) wake();
      });
    },
  };
}
