import { eq, relations, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { integer, jsonb, pgTable, serial, text, timestamp } from 'drizzle-orm/pg-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Pool } from '../../../src/index.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';

const authors = pgTable('authors', {
  id: serial('id').primaryKey(),
  name: text('name').notNull(),
  joined: timestamp('joined', { withTimezone: true }).notNull().defaultNow(),
});
const books = pgTable('books', {
  id: serial('id').primaryKey(),
  authorId: integer('author_id')
    .notNull()
    .references(() => authors.id),
  title: text('title').notNull(),
  tags: jsonb('tags').$type<string[]>().notNull(),
});
const authorsRelations = relations(authors, ({ many }) => ({ books: many(books) }));
const booksRelations = relations(books, ({ one }) => ({
  author: one(authors, { fields: [books.authorId], references: [authors.id] }),
}));
const schema = { authors, books, authorsRelations, booksRelations };

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await testDatabase();
  await database.query(`
    CREATE TABLE authors (id serial PRIMARY KEY, name text NOT NULL, joined timestamptz NOT NULL DEFAULT now());
    CREATE TABLE books (id serial PRIMARY KEY, author_id int NOT NULL REFERENCES authors, title text NOT NULL, tags jsonb NOT NULL)
  `);
  // However busy the machine is, statements are quick enough to share connections.
  pool = new Pool({ connectionString: database.url, laneLimitMillis: 5000 });
});

afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

test('inserts, selects, updates and deletes, also when statements share connections', async () => {
  const db = drizzle(pool, { schema });
  const made = await db.insert(authors).values({ name: 'Ursula' }).returning();
  expect(made).toMatchObject([{ name: 'Ursula', joined: expect.any(Date) }]);
  const id = made[0]?.id ?? 0;
  await Promise.all(
    Array.from({ length: 60 }, (_, i) =>
      db.insert(books).values({ authorId: id, title: `Book ${i}`, tags: ['a', `b${i}`] }),
    ),
  );
  const found = await Promise.all(
    Array.from({ length: 60 }, (_, i) =>
      db
        .select()
        .from(books)
        .innerJoin(authors, eq(books.authorId, authors.id))
        .where(eq(books.title, `Book ${i}`)),
    ),
  );
  expect(found.map(([row]) => [row?.books.title, row?.books.tags, row?.authors.name])).toEqual(
    Array.from({ length: 60 }, (_, i) => [`Book ${i}`, ['a', `b${i}`], 'Ursula']),
  );
  await db.update(books).set({ title: 'Renamed' }).where(eq(books.title, 'Book 1'));
  await db.delete(books).where(eq(books.title, 'Book 2'));
  expect(await db.$count(books)).toBe(59);
  expect((await db.execute(sql`SELECT ${1}::int AS one`)).rows).toEqual([{ one: 1 }]);
  expect(pool.stats().endpoints[0]?.lanes).toBeGreaterThan(0);
});

test('relational queries', async () => {
  const db = drizzle({ client: pool, schema });
  const [author] = await db.insert(authors).values({ name: 'Stanisław' }).returning();
  await db.insert(books).values({ authorId: author?.id ?? 0, title: 'Solaris', tags: [] });
  for (let i = 0; i < 5; i++) {
    const found = await db.query.authors.findFirst({
      where: eq(authors.name, 'Stanisław'),
      with: { books: { columns: { title: true }, with: { author: { columns: { name: true } } } } },
    });
    expect(found).toMatchObject({ name: 'Stanisław', books: [{ title: 'Solaris', author: { name: 'Stanisław' } }] });
  }
});

test('prepared statements with placeholders', async () => {
  const db = drizzle(pool, { schema });
  await db.insert(authors).values([{ name: 'Anna' }, { name: 'Bela' }]);
  const byName = db
    .select({ name: authors.name })
    .from(authors)
    .where(eq(authors.name, sql.placeholder('name')))
    .prepare('author_by_name');
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, i) => byName.execute({ name: i % 2 === 0 ? 'Anna' : 'Bela' })),
  );
  expect(answers).toEqual(Array.from({ length: 50 }, (_, i) => [{ name: i % 2 === 0 ? 'Anna' : 'Bela' }]));
});

test('transactions commit, roll back and nest', async () => {
  const db = drizzle(pool, { schema });
  await db.transaction(async (tx) => {
    await tx.insert(authors).values({ name: 'kept' });
    await tx
      .transaction(async (inner) => {
        await inner.insert(authors).values({ name: 'inner' });
        inner.rollback();
      })
      .catch(() => {});
  });
  const failing = db.transaction(
    async (tx) => {
      await tx.insert(authors).values({ name: 'lost' });
      throw new Error('no');
    },
    { isolationLevel: 'serializable' },
  );
  await expect(failing).rejects.toThrow('no');
  const names = await db.select({ name: authors.name }).from(authors);
  expect(names.map(({ name }) => name)).toContain('kept');
  expect(names.map(({ name }) => name)).not.toContain('inner');
  expect(names.map(({ name }) => name)).not.toContain('lost');
  expect(pool.waitingCount).toBe(0);
});

test('errors are those of the database', async () => {
  const db = drizzle(pool, { schema });
  for (let i = 0; i < 5; i++) {
    await expect(db.insert(books).values({ authorId: -1, title: 'x', tags: [] })).rejects.toMatchObject({
      cause: { code: '23503', constraint: 'books_author_id_fkey' },
    });
  }
});
