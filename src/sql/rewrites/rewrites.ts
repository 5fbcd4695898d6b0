import { parse, parserLoaded } from '../describe/parser.ts';
import type { Place, RewriteRule } from './rule.ts';
import { rules } from './rules/index.ts';
import { createSource } from './source.ts';
import type { Rewrite, RewriteCatalog, RewritesAnswer } from './types.ts';
import { walk } from './walk.ts';

/** Longer texts are not parsed, as for descriptions. */
const mostText = 50_000;
/** A statement written by a program can have the same finding a thousand times. */
const mostRewrites = 30;

const byTag = new Map<string, RewriteRule[]>();
for (const rule of rules) {
  for (const tag of rule.tags) byTag.set(tag, [...(byTag.get(tag) ?? []), rule]);
}

/**
 * What could be written better in a statement, by its syntax tree. With a catalog it is sure of more: which columns may be NULL, what
 * types they have. Each rewrite stands for itself and keeps the text as it is otherwise; it was parsed again. Never throws; needs
 * `loadParser()` to be done.
 */
export function rewritesOf(text: string, catalog?: RewriteCatalog): RewritesAnswer {
  if (text.length > mostText) return { reason: `it is longer than ${mostText} characters` };
  const statements = parse(text);
  if (!statements) return { reason: parserLoaded() ? 'it cannot be parsed' : 'the parser is not loaded' };
  const [statement] = statements;
  if (!statement || statements.length > 1) return { reason: 'it is not one statement' };
  const source = createSource(text);
  const found: Rewrite[] = [];
  try {
    walk(statement, (tag, fields, around) => {
      const place: Place = { tag, fields, source, catalog, ...around };
      for (const { id, look } of byTag.get(tag) ?? []) {
        const what = found.length < mostRewrites ? look(place) : undefined;
        if (what) found.push({ rule: id, ...checked(what) });
      }
    });
  } catch (error) {
    if (error instanceof RangeError) return { reason: 'it is nested too deeply' };
    throw error;
  }
  const rank = { warning: 0, info: 1 };
  return { rewrites: Object.freeze(found.toSorted((a, b) => rank[a.severity] - rank[b.severity])) };
}

/** A statement that does not parse any more is not shown. */
function checked(what: Omit<Rewrite, 'rule'>): Omit<Rewrite, 'rule'> {
  if (what.rewritten === null || parse(what.rewritten)?.length === 1) return what;
  return { ...what, rewritten: null, provided: null };
}
