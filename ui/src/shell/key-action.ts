/** How long after `g` the second key counts. */
const prefixMs = 1500;

export interface KeyState {
  /** When `g` was pressed. */
  prefixAt: number | undefined;
}

export type KeyAction = { type: 'go'; path: string } | { type: 'search' | 'help' | 'refresh' | 'wait' };

/** What a key means, in the light of the one before; changes `state`. */
export function keyAction(
  key: string,
  state: KeyState,
  now: number,
  pages: readonly { path: string; key: string }[],
): KeyAction | undefined {
  const prefixed = state.prefixAt !== undefined && now - state.prefixAt <= prefixMs;
  state.prefixAt = undefined;
  if (prefixed) {
    const page = pages.find((candidate) => candidate.key === key);
    return page && { type: 'go', path: page.path };
  }
  if (key === 'g') {
    state.prefixAt = now;
    return { type: 'wait' };
  }
  if (key === '/') return { type: 'search' };
  if (key === '?') return { type: 'help' };
  if (key === 'r') return { type: 'refresh' };
  return undefined;
}
