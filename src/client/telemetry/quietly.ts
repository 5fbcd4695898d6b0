/** Calls what the application gave us; what that throws must not reach a statement. */
export function quietly(callback: () => unknown): void {
  try {
    callback();
  } catch {
    // Whoever logs cannot be told by a log that logging fails.
  }
}
