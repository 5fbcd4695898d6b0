/** Questions that follow each other within so little time are of a server that is being stopped. */
const quickMs = 500;

/** Tells a server that is being stopped, and waits for us, from one that merely asks whether we are there. */
export interface Stopping {
  /** The server asks how far we are. @returns for how long it has been waiting to stop, in ms; 0 when it is not */
  asked(): number;
}

export function watchStopping(): Stopping {
  let lastAt = -Infinity;
  let since: number | undefined;
  return {
    asked() {
      const now = performance.now();
      if (now - lastAt > quickMs) since = undefined;
      else since ??= lastAt;
      lastAt = now;
      return since === undefined ? 0 : now - since;
    },
  };
}
