import { useEffect } from 'preact/hooks';
import { useRender } from './use-render.ts';

/** Now, in ms since 1970; the component is rendered again every `everyMs`. */
export function useNow(everyMs = 1000): number {
  const render = useRender();
  useEffect(() => {
    const timer = setInterval(render, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return Date.now();
}
