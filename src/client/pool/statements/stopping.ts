import type { StatementConfig } from './statement.ts';

/** Calls `stop` once, when the caller's signal aborts or its time is over; gives what ends the watching. */
export function watchLimits(
  config: StatementConfig | undefined,
  defaultTimeoutMs: number | undefined,
  stop: (reason: Error) => void,
): (() => void) | undefined {
  const signal = config?.signal;
  const timeoutMs = config?.query_timeout ?? defaultTimeoutMs;
  if (!signal && !timeoutMs) return undefined;
  const aborted = (): void => stop(abortReason(signal));
  // The same words as `pg` has for it.
  const timer = timeoutMs ? setTimeout(() => stop(new Error('Query read timeout')), timeoutMs) : undefined;
  signal?.addEventListener('abort', aborted, { once: true });
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', aborted);
  };
}

export function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new DOMException(String(reason ?? 'aborted'), 'AbortError');
}
