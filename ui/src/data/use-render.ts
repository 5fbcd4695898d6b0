import { useCallback, useState } from 'preact/hooks';

/** A function that has the component rendered again: for values that live outside it. */
export function useRender(): () => void {
  const [, turn] = useState({});
  return useCallback(() => turn({}), []);
}
