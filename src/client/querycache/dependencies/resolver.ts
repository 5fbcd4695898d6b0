import { LRUCache } from 'lru-cache';
import type { Catalog, CurrentCatalog } from './catalog/index.ts';
import type { DeclaredFunctions } from './declared.ts';
import { type Dependencies, dependenciesOf } from './resolve.ts';
import type { Session } from './session.ts';

/** Answers that are remembered, and characters of their texts. */
const mostRemembered = 5000;
const mostCharacters = 4_000_000;

export interface Resolver {
  /**
   * What a statement's result depends on for a session, by the catalog as it is known now; `undefined` while it must be read first (call
   * `catalog.read()`, and ask again). Remembers its latest answers until definitions change.
   */
  resolve(text: string, session: Session): Dependencies | undefined;
}

/** @param declared what the application says of its functions. `loadParser()` must be done before anything is resolved. */
export function createResolver(catalog: CurrentCatalog, declared: DeclaredFunctions = {}): Resolver {
  let known: Catalog | undefined;
  const answers = new LRUCache<string, Dependencies>({
    max: mostRemembered,
    maxSize: mostCharacters,
    sizeCalculation: (_, key) => key.length,
  });
  const names = new WeakMap<Session, string>();

  return {
    resolve(text, session) {
      const now = catalog.known();
      if (!now) return undefined;
      if (now !== known) {
        answers.clear();
        known = now;
      }
      let name = names.get(session);
      if (name === undefined) names.set(session, (name = resolutionName(session)));
      const key = `${name}${text}`;
      const remembered = answers.get(key);
      if (remembered) return remembered;
      const answer = dependenciesOf(text, now, session, declared);
      answers.set(key, answer);
      return answer;
    },
  };
}

/** What of a session names are resolved by. */
function resolutionName({ role, schemas, temporary }: Session): string {
  return JSON.stringify([role, schemas, temporary]);
}
