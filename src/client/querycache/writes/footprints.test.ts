import { session } from '../../../../test/support/catalog.ts';
import { testDatabase } from '../../../../test/support/postgres.ts';
import { beforeAll, expect, test } from 'vitest';
import { describe, loadParser } from '../../../sql/index.ts';
import { currentCatalog, readSession } from '../dependencies/index.ts';
import { createFootprints } from './index.ts';

beforeAll(loadParser);

test('footprints are told by the catalog as it is known, and anew after definitions have changed', async () => {
  await using database = await testDatabase();
  await database.query('CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int REFERENCES a ON DELETE CASCADE)');
  await using client = await session(database.url);
  const catalog = currentCatalog((work) => work(client));
  const footprints = createFootprints(catalog);
  const asked = await readSession(client);
  const remove = describe('DELETE FROM a');
  expect(footprints.of(remove, asked)).toBe('unknown');
  expect(footprints.whyUnknown(remove, asked)).toBe('the catalog is not read yet');
  expect(footprints.of(describe('SELECT * FROM a'), asked)).toEqual(new Set());
  const oid = (name: string) => catalog.known()?.relationNamed('public', name)?.oid;
  await catalog.read();
  const first = footprints.of(remove, asked);
  expect(first).toEqual(new Set([oid('a'), oid('b')]));
  expect(footprints.of(remove, asked)).toBe(first);
  expect(footprints.whyUnknown(remove, asked)).toBeUndefined();

  await database.query('ALTER TABLE b DROP CONSTRAINT b_id_fkey');
  catalog.invalidate();
  expect(footprints.of(remove, asked)).toBe('unknown');
  await catalog.read();
  expect(footprints.of(remove, asked)).toEqual(new Set([oid('a')]));
});

test('each session has its own names, and an application declares its functions once', async () => {
  await using database = await testDatabase();
  await database.query(`
    CREATE SCHEMA x;
    CREATE SCHEMA y;
    CREATE TABLE x.t (at timestamptz);
    CREATE TABLE y.t (at timestamptz);
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.at = now(); RETURN NEW; END';
    CREATE TRIGGER touch BEFORE UPDATE ON x.t FOR EACH ROW EXECUTE FUNCTION touch();
  `);
  await using client = await session(database.url);
  const catalog = currentCatalog((work) => work(client));
  const { relationNamed } = await catalog.read();
  const update = describe('UPDATE t SET at = now()');
  const sessionOf = async (path: string) => {
    await client.query(`SET search_path = ${path}`);
    return readSession(client);
  };
  const [ofX, ofY] = [await sessionOf('x'), await sessionOf('y')];
  const plain = createFootprints(catalog);
  expect(plain.whyUnknown(update, ofX)).toBe('a trigger of t calls public.touch()');
  expect(plain.of(update, ofY)).toEqual(new Set([relationNamed('y', 't')?.oid]));
  const declaring = createFootprints(catalog, { readOnlyFunctions: ['touch'] });
  expect(declaring.of(update, ofX)).toEqual(new Set([relationNamed('x', 't')?.oid]));
});
