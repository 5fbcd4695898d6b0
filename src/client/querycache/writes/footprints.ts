import { type DeclaredFunctions, judgeFunctions, type StatementDescription } from '../../../sql/index.ts';
import type { Catalog, CurrentCatalog, Session } from '../dependencies/index.ts';
import { type ExplainedFootprint, type Footprint, footprintOf } from './footprint.ts';

export interface Footprints {
  /**
   * The tables that a statement may have changed, by the catalog as it is known now; `'unknown'` while it must be read first,
   * unless the text alone says that the statement only reads. Remembered for each description and session until definitions change.
   */
  of(description: StatementDescription, session: Session): Footprint;
  /** As `of`; why it is unknown, in words that follow "it may have changed any table: ". */
  whyUnknown(description: StatementDescription, session: Session): string | undefined;
}

/** @param declared what the application says of its functions, as for the pool: trigger functions may be among them. */
export function createFootprints(catalog: CurrentCatalog, declared: DeclaredFunctions = {}): Footprints {
  const judge = judgeFunctions(declared);
  let known: Catalog | undefined;
  let answers = new WeakMap<Session, WeakMap<StatementDescription, ExplainedFootprint>>();

  const find = (description: StatementDescription, session: Session): ExplainedFootprint => {
    const now = catalog.known();
    if (!now) return description.readOnly ? reading : unread;
    if (now !== known) {
      answers = new WeakMap();
      known = now;
    }
    let ofSession = answers.get(session);
    if (!ofSession) answers.set(session, (ofSession = new WeakMap()));
    let answer = ofSession.get(description);
    if (!answer) ofSession.set(description, (answer = footprintOf(description, now, session, judge)));
    return answer;
  };

  return {
    of: (description, session) => find(description, session).tables,
    whyUnknown: (description, session) => find(description, session).reason,
  };
}

const reading: ExplainedFootprint = { tables: new Set(), reason: undefined };
const unread: ExplainedFootprint = { tables: 'unknown', reason: 'the catalog is not read yet' };
