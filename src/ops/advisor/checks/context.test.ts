import { describe, expect, test } from 'vitest';
import { scratchReplica, scratchServer, testDatabase, testedMajors } from '../../../../test/support/postgres.ts';
import { openCheckContext, runChecks } from '../index.ts';

describe.each(testedMajors(18, 15))('PostgreSQL %i', (major) => {
  test('replicas given are asked, those only known of are named', async () => {
    await using primary = await scratchServer(major);
    await using reports = await scratchReplica(primary, major, 'reports');
    await using spare = await scratchReplica(primary, major, 'spare');
    const url = primary.url();
    {
      await using context = await openCheckContext({ url, replicas: [{ name: 'reports', url: reports.url() }] });
      expect(context.replicas.map(({ name, profile }) => [name, profile.isStandby])).toEqual([['reports', true]]);
      expect(context.unreachedReplicas).toEqual([expect.stringContaining('spare')]);
    }
    // One that went away is known by its slot.
    await spare.stop('immediate');
    {
      await using context = await openCheckContext({ url, replicas: [{ name: 'reports', url: reports.url() }] });
      expect(context.unreachedReplicas).toEqual([expect.stringContaining('spare')]);
    }
    await using context = await openCheckContext({
      url,
      name: 'shop',
      replicas: [
        { name: 'itself', url },
        { name: 'spare', url: spare.url() },
      ],
    });
    expect(context.replicas).toEqual([]);
    const [itself, given, ...known] = context.unreachedReplicas;
    expect(itself).toBe('itself (it is not a standby)');
    expect(given).toMatch(/^spare \(cannot reach /);
    expect(known.toSorted()).toEqual([expect.stringContaining('reports'), expect.stringContaining('spare')]);
  });
});

test('a standby of another server, or of another database, is not taken for a replica', async () => {
  await using one = await scratchServer();
  await using replica = await scratchReplica(one, 18);
  await using other = await testDatabase();
  await using context = await openCheckContext({
    url: other.url,
    name: 'shop',
    replicas: [{ name: 'r', url: replica.url() }],
  });
  expect(context.unreachedReplicas[0]).toBe('r (its database is postgres)');
});

test('an address without a server is an error, a lost session is not: every check says that it cannot know', async () => {
  await expect(openCheckContext({ url: 'postgres://postgres@127.0.0.1:1/none' })).rejects.toMatchObject({
    code: 'E_DATABASE_UNREACHABLE',
  });
  await using database = await testDatabase();
  await using context = await openCheckContext({ url: database.url });
  await context.connection.close();
  const results = await runChecks(context, { only: ['duplicate-index', 'no-such-check'] });
  expect(results.map(({ check, answer }) => [check, answer.status])).toEqual([['duplicate-index', 'unknown']]);
  expect(results[0]?.answer).toMatchObject({ reason: expect.stringContaining('is lost') });
});
