import type { WhatIfGap } from '../types.ts';

/** Collects what the twin does without; the same gap is named once. */
export interface Gaps {
  add(subject: string, reason: string, fix?: string | null): void;
  readonly all: readonly WhatIfGap[];
}

export function collectGaps(): Gaps {
  const all = new Map<string, WhatIfGap>();
  return {
    add(subject, reason, fix = null) {
      const key = `${subject}\n${reason}`;
      if (!all.has(key)) all.set(key, { subject, reason, fix });
    },
    get all() {
      return [...all.values()];
    },
  };
}

/** `4 tables (public.a, public.b, public.c, …)`. */
export function several(what: string, names: readonly string[]): string {
  const [first] = names;
  if (names.length === 1 && first !== undefined) return `${what} ${first}`;
  return `${names.length} ${what}s (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''})`;
}
