import { useEffect } from 'preact/hooks';
import { useRender } from './use-render.ts';

/** One value that several components watch. */
export interface Store<Value> {
  get(): Value;
  set(value: Value): void;
  subscribe(listener: () => void): () => void;
}

export function createStore<Value>(initial: Value): Store<Value> {
  let current = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => current,
    set(value) {
      if (Object.is(value, current)) return;
      current = value;
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The store's value; the component is rendered again when it changes. */
export function useStore<Value>(store: Store<Value>): Value {
  const render = useRender();
  const shown = store.get();
  useEffect(() => {
    // It may have changed between rendering and subscribing.
    if (!Object.is(store.get(), shown)) render();
    return store.subscribe(render);
  }, [store]);
  return shown;
}
