import { quoteIdentifier } from '../../../../engine/postgres/index.ts';
import type { LoggedChange } from '../../../store/index.ts';
import { type Changer, runLogged } from './logged.ts';
import { leftOfReindex, readIndex, readInvalidIndexes, type Seen } from './look.ts';
import { type ObjectName, shapeOf } from './shape.ts';

/**
 * Removes what one failed statement left: an index of its name that is not valid and was not there before, or what a rebuild of it
 * left. An index that was half dropped is dropped wholly: it could not be used any more.
 */
export async function cleanUpAfter(changer: Changer, statement: string, before: Seen): Promise<void> {
  const { verb, index } = shapeOf(statement);
  if (index === null) return;
  if (verb === 'create-index' && before.index === null) {
    await dropUnlessValid(changer, index);
  } else if (verb === 'drop-index' && before.index?.valid) {
    await dropUnlessValid(changer, index);
  } else if (verb === 'reindex') {
    const known = new Set(before.invalid);
    const pattern = leftOfReindex(index.name);
    for (const left of await readInvalidIndexes(changer.session, index)) {
      if (!known.has(left.oid) && pattern.test(left.name)) await drop(changer, left, false);
    }
  }
}

/**
 * Takes back the indexes that an attempt made before it failed: what the log says of it, the first first, because dropping the index of a
 * partitioned table takes those of the partitions along.
 */
export async function takeBackIndexes(changer: Changer, log: readonly LoggedChange[]): Promise<void> {
  for (const { statement, before } of log.toSorted((a, b) => a.id - b.id)) {
    const { verb, index } = shapeOf(statement);
    if (verb !== 'create-index' || index === null || (before as Seen | null)?.index !== null) continue;
    const seen = await readIndex(changer.session, index);
    if (seen) await drop(changer, index, seen.partitioned);
  }
}

async function dropUnlessValid(changer: Changer, index: ObjectName): Promise<void> {
  const seen = await readIndex(changer.session, index);
  if (seen && !seen.valid) await drop(changer, index, seen.partitioned);
}

/** Not interrupted by what interrupted the change: leaving a broken index would be worse. */
async function drop(changer: Changer, { schema, name }: ObjectName, partitioned: boolean): Promise<void> {
  const object = `${quoteIdentifier(schema ?? 'public')}.${quoteIdentifier(name)}`;
  const statement = `DROP INDEX ${partitioned ? '' : 'CONCURRENTLY '}IF EXISTS ${object}`;
  await runLogged({ ...changer, signal: undefined }, { purpose: 'clean-up', position: 0, statement });
}
