import { useEffect } from 'preact/hooks';
import { createStore, useStore } from '../data/store.ts';

/** A part of the program that is loaded when something that needs it is first shown; `undefined` until it is there. */
export function createLazy<Module>(load: () => Promise<Module>): { use(): Module | undefined } {
  const loaded = createStore<Module | undefined>(undefined);
  let loading: Promise<void> | undefined;
  return {
    use() {
      useEffect(() => {
        loading ??= load().then(loaded.set, () => {
          // Away (a new version was deployed, the network broke): ask again the next time.
          loading = undefined;
        });
      }, []);
      return useStore(loaded);
    },
  };
}
