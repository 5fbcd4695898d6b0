import { useEffect } from 'preact/hooks';
import { preference } from '../data/preference.ts';
import { createStore, useStore } from '../data/store.ts';

export const themes = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

/** What the reader chose. `public/theme.js` applies it before the first paint. */
export const chosenTheme = preference<Theme>('theme', themes, 'auto');

const system = matchMedia('(prefers-color-scheme: dark)');
const systemTheme = createStore<'light' | 'dark'>(system.matches ? 'dark' : 'light');
system.addEventListener('change', () => systemTheme.set(system.matches ? 'dark' : 'light'));

/** The theme that is shown. */
export function useTheme(): 'light' | 'dark' {
  const chosen = useStore(chosenTheme);
  const fromSystem = useStore(systemTheme);
  return chosen === 'auto' ? fromSystem : chosen;
}

/** Writes the choice where the style sheet looks for it. */
export function useThemeAttribute(): void {
  const chosen = useStore(chosenTheme);
  useEffect(() => {
    if (chosen === 'auto') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = chosen;
  }, [chosen]);
}
