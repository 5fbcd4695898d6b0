import { PitcrewError } from '../../../errors.ts';
import { ByteReader } from './byte-reader.ts';
import type { PgoutputMessage, Relation, RelationColumn, TupleValues } from './pgoutput-messages.ts';

/** Says which columns' values are wanted, by the table's OID: true by position. `undefined`: all of them. */
export type WantedColumns = (oid: number) => readonly boolean[] | undefined;

/**
 * Reads one message of `pgoutput`.
 * @param at where it begins.
 * @throws {PitcrewError} `E_UNSUPPORTED` for kinds that are only sent to those who ask for them, `E_INTERNAL` when it is cut off.
 * @see https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 */
export function decodePgoutput(bytes: Buffer, at = 0, wanted: WantedColumns = () => undefined): PgoutputMessage {
  const reader = new ByteReader(bytes, at);
  const letter = reader.letter();
  switch (letter) {
    case 'B': {
      const commitLsn = reader.uint64();
      reader.skip(8);
      return { kind: 'begin', commitLsn, xid: reader.uint32() };
    }
    case 'C': {
      reader.skip(1);
      return { kind: 'commit', commitLsn: reader.uint64(), endLsn: reader.uint64() };
    }
    case 'O':
      reader.skip(8);
      return { kind: 'origin', name: reader.textToZero() };
    case 'R':
      return { kind: 'relation', relation: readRelation(reader) };
    case 'Y':
      return { kind: 'type', oid: reader.uint32(), schema: reader.textToZero(), name: reader.textToZero() };
    case 'I': {
      const oid = reader.uint32();
      reader.skip(1);
      return { kind: 'insert', oid, added: readTuple(reader, wanted(oid)) };
    }
    case 'U':
      return readUpdate(reader, wanted);
    case 'D': {
      const oid = reader.uint32();
      reader.skip(1);
      return { kind: 'delete', oid, old: readTuple(reader, wanted(oid)) };
    }
    case 'T': {
      const count = reader.int32();
      reader.skip(1);
      return { kind: 'truncate', oids: Array.from({ length: count }, () => reader.uint32()) };
    }
    case 'M': {
      const transactional = (reader.byte() & 1) === 1;
      reader.skip(8);
      const prefix = reader.textToZero();
      return { kind: 'message', transactional, prefix, content: reader.text(reader.int32()) };
    }
    default:
      throw new PitcrewError('E_UNSUPPORTED', 'the replication stream has a message that was not asked for', {
        detail: `Its kind is ${JSON.stringify(letter)}.`,
      });
  }
}

const INSERT = 0x49;
const UPDATE = 0x55;
const DELETE = 0x44;

/** The table that an insert, update or delete is about, without reading the rest; `undefined` for other messages. */
export function changedTable(bytes: Buffer, at = 0): number | undefined {
  const kind = bytes[at];
  return kind === INSERT || kind === UPDATE || kind === DELETE ? bytes.readUInt32BE(at + 1) : undefined;
}

function readRelation(reader: ByteReader): Relation {
  const oid = reader.uint32();
  // An empty text stands for the catalog's schema.
  const schema = reader.textToZero() || 'pg_catalog';
  const name = reader.textToZero();
  const replicaIdentity = reader.letter();
  const columns = Array.from({ length: reader.int16() }, (): RelationColumn => {
    const key = (reader.byte() & 1) === 1;
    const column = { name: reader.textToZero(), typeOid: reader.uint32(), key };
    reader.skip(4);
    return column;
  });
  return { oid, schema, name, replicaIdentity, columns };
}

function readUpdate(reader: ByteReader, wanted: WantedColumns): PgoutputMessage {
  const oid = reader.uint32();
  const columns = wanted(oid);
  let part = reader.letter();
  let old: TupleValues | undefined;
  if (part !== 'N') {
    old = readTuple(reader, columns);
    part = reader.letter();
  }
  return { kind: 'update', oid, old, added: readTuple(reader, columns) };
}

function readTuple(reader: ByteReader, wanted: readonly boolean[] | undefined): TupleValues {
  const count = reader.int16();
  const values: (string | null | undefined)[] = [];
  for (let column = 0; column < count; column++) {
    const kind = reader.letter();
    if (kind === 'n') values.push(null);
    else if (kind === 'u') values.push(undefined);
    else {
      const length = reader.int32();
      // In binary, which is not asked for, it cannot be compared with texts.
      if (kind === 't' && (wanted === undefined || wanted[column] === true)) values.push(reader.text(length));
      else {
        reader.skip(length);
        values.push(undefined);
      }
    }
  }
  return values;
}
