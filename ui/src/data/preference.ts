import { createStore, type Store } from './store.ts';

/** A choice kept in this browser. Storage that is switched off or full changes nothing but that it is not kept. */
export function preference<Value extends string>(
  name: string,
  allowed: readonly Value[],
  fallback: Value,
): Store<Value> {
  const key = `pitcrew.${name}`;
  const store = createStore<Value>(allowed.find((value) => value === read(key)) ?? fallback);
  store.subscribe(() => write(key, store.get()));
  return store;
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Not kept, then.
  }
}
