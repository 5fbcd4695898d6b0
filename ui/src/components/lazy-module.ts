import { useEffect } from 'preact/hooks';
import { createStore, useStore } from '../data/store.ts';

type Loaded<Module> = { state: 'loading' | 'failed' } | { state: 'ready'; module: Module };

/**
 * A part of the program that is loaded when something that needs it is first shown. After a failure (a new version was
 * deployed, the network broke) the next component that needs it asks again.
 */
export function createLazy<Module>(load: () => Promise<Module>): { use(): Loaded<Module> } {
  const loaded = createStore<Loaded<Module>>({ state: 'loading' });
  let asked = false;
  const start = (): void => {
    if (asked) return;
    asked = true;
    load().then(
      (module) => loaded.set({ state: 'ready', module }),
      () => {
        asked = false;
        loaded.set({ state: 'failed' });
      },
    );
  };
  return {
    use() {
      useEffect(start, []);
      return useStore(loaded);
    },
  };
}
