import { expect, test } from 'vitest';
import { chainOf, restoreCommand, sourceOf } from './restore-command.ts';

const at = (hour: number): number => Date.UTC(2026, 10, 30, hour);
const iso = (hour: number): string => new Date(at(hour)).toISOString();

function backup(id: string, hour: number, parent: string | null = null) {
  return {
    id,
    type: parent === null ? 'full' : 'incremental',
    parent,
    startedAt: iso(hour),
    endedAt: iso(hour),
    bytes: 1,
    storedBytes: 1,
    encrypted: false,
    pinned: false,
    proven: null,
    warnings: [],
  };
}
const moment = (hour: number) => ({ at: iso(hour), lsn: '0/0', timeline: 1 });
const listed = {
  backups: [backup('d', 14), backup('c', 8, 'b'), backup('b', 6, 'a'), backup('a', 2)],
  windows: [
    { from: moment(2), to: moment(10), backups: ['a', 'b', 'c'] },
    { from: moment(14), to: moment(20), backups: ['d'] },
  ],
};

test('a moment is restored from the latest backup before it, with those that it builds on', () => {
  const found = sourceOf(listed, at(9));
  expect(found).toMatchObject({ state: 'found', backup: { id: 'c' }, chain: [{ id: 'a' }, { id: 'b' }, { id: 'c' }] });
  expect(sourceOf(listed, at(6))).toMatchObject({ backup: { id: 'b' } });
  expect(sourceOf(listed, at(15))).toMatchObject({ backup: { id: 'd' }, window: listed.windows[1] });
});

test('a moment in a gap, before the first backup or after the last log cannot be, and what lies beside is named', () => {
  expect(sourceOf(listed, at(12))).toEqual({ state: 'none', before: listed.windows[0], after: listed.windows[1] });
  expect(sourceOf(listed, at(1))).toMatchObject({ state: 'none', before: undefined, after: listed.windows[0] });
  expect(sourceOf(listed, at(21))).toMatchObject({ state: 'none', before: listed.windows[1], after: undefined });
  expect(sourceOf({ backups: [], windows: [] }, at(1))).toMatchObject({ state: 'none' });
});

test('a chain that is broken or goes round in a circle comes to an end', () => {
  const broken = [backup('x', 2, 'gone'), backup('y', 3, 'z'), backup('z', 4, 'y')];
  expect(chainOf(broken, 'x').map(({ id }) => id)).toEqual(['x']);
  expect(chainOf(broken, 'y').map(({ id }) => id)).toEqual(['z', 'y']);
});

test('the command is one that a shell takes as it is meant', () => {
  const choice = {
    backup: 'a',
    flags: ['--repository', "/srv/Ann's backups"],
    to: '/srv/new',
    at: at(9) + 1500,
  };
  expect(restoreCommand(choice)).toBe(
    [
      'pitcrew restore a',
      String.raw`--repository '/srv/Ann'\''s backups'`,
      '--to /srv/new',
      '--target-time 2026-11-30T09:00:01.500Z',
    ].join(' \\\n  '),
  );
  const latest = restoreCommand({
    ...choice,
    flags: ['--repository', 's3://b/p', '--s3-path-style', '--identity', '/etc/key'],
    at: undefined,
  });
  expect(latest).toBe(
    ['pitcrew restore a', '--repository s3://b/p', '--s3-path-style', '--identity /etc/key', '--to /srv/new'].join(
      ' \\\n  ',
    ),
  );
});
