import { bytes } from '../../../../words/index.ts';
import type { CheckAnswer, CheckContext, Finding } from '../../../types.ts';
import { judged, mostFindings } from '../../answers.ts';
import { once } from '../../readings.ts';
import { inTurns } from '../../turns.ts';
import { keyOf, spoken } from '../names.ts';
import { type IndexDetails, readIndexDetails } from './catalog.ts';
import { type IndexDefinition, readDefinitions } from './definitions.ts';

/** An index that another one makes superfluous. */
export interface Redundant {
  drop: IndexDetails;
  keep: IndexDetails;
}

export interface RedundancyRules {
  /** Looks at the indexes of one table. */
  find(indexes: readonly IndexDetails[]): Redundant[];
  describe(pair: Redundant, definition: IndexDefinition | undefined): Finding;
  /** What is said when there are none. */
  fine: string;
}

/** Looks for superfluous indexes, the largest first. Of those beyond what is listed, definitions are not even read. */
export async function judgeRedundancy(
  context: CheckContext,
  { find, describe, fine }: RedundancyRules,
): Promise<CheckAnswer> {
  const indexes = await once(context, readIndexDetails);
  const ofTables = Map.groupBy(indexes, ({ tableOid }) => tableOid);
  const found = (await inTurns(ofTables.values(), find)).toSorted((a, b) => b.drop.bytes - a.drop.bytes);
  const described = found.slice(0, mostFindings);
  const definitions = await readDefinitions(
    context.connection,
    described.map(({ drop }) => drop.oid),
  );
  return judged({
    undescribed: found.length - described.length,
    findings: described.map((pair) => describe(pair, definitions.get(pair.drop.oid))),
    fine,
    evidence: [{ label: 'Indexes', value: indexes.length }],
  });
}

/** What every finding about a superfluous index says. */
export function redundancyOf(
  check: string,
  { drop, keep }: Redundant,
): Pick<Finding, 'check' | 'key' | 'subject' | 'evidence' | 'gain'> {
  const table = spoken({ schema: drop.schema, name: drop.table });
  return {
    check,
    key: keyOf(check, drop),
    subject: { kind: 'index', schema: drop.schema, table: drop.table, name: drop.name },
    evidence: [
      { label: 'Size', value: drop.bytes, unit: 'bytes' },
      { label: 'Scans', value: drop.scans },
      { label: `Size of ${keep.name}`, value: keep.bytes, unit: 'bytes' },
      { label: `Scans of ${keep.name}`, value: keep.scans },
    ],
    gain: { bytes: drop.bytes, text: `${bytes(drop.bytes)} of disk, and less work for every write to ${table}` },
  };
}
