import { expect, test } from 'vitest';
import { identityOf, isSameServer, type Sight } from './server-identity.ts';

const minute = 60_000_000;
const noon = 1_700_000_000_000_000;

const seen: Sight = {
  system: '7212345678901234567',
  address: '10.0.0.5:5432',
  dataDirectory: '/var/lib/postgresql/data',
  standby: false,
  timeline: 3,
  startedAt: noon - 1000 * minute,
  statisticsSince: [noon - 2000 * minute, noon - 2000 * minute, noon - 500 * minute],
  at: noon,
};

/** What is seen ten minutes later, by what is different then. */
const same = (change: Partial<Sight>, before: Partial<Sight> = {}): boolean =>
  isSameServer(identityOf({ ...seen, ...before }), identityOf({ ...seen, at: noon + 10 * minute, ...change }));

const restarted = noon + 5 * minute;
const begunAnew = [restarted, restarted, restarted];
const elsewhere = '10.0.0.77:5432';

test.each<[string, Partial<Sight>]>([
  ['as it was', {}],
  ['reached by another address while it ran', { address: elsewhere }],
  ['reached through a socket', { address: null }],
  ['promoted', { standby: false, timeline: 4 }],
  ['restarted', { startedAt: restarted }],
  ['restarted after a crash, so that its statistics began anew', { startedAt: restarted, statisticsSince: begunAnew }],
  [
    'restarted and some of its statistics reset',
    { startedAt: restarted, statisticsSince: [begunAnew[0] ?? 0, ...seen.statisticsSince.slice(1)] },
  ],
  ['a pod that was stopped and came back at another address', { startedAt: restarted, address: elsewhere }],
  ['seen by a role that may know less', { system: null, dataDirectory: null, startedAt: restarted }],
])('a server is the same when it is %s', (_, change) => {
  expect(same(change)).toBe(true);
});

test.each<[string, Partial<Sight>]>([
  ['of another cluster', { system: '1', startedAt: restarted }],
  [
    'a replica, which ran beside it',
    { address: elsewhere, standby: true, startedAt: noon - minute, statisticsSince: begunAnew },
  ],
  ['a replica behind the same address', { standby: true, startedAt: noon - minute, statisticsSince: begunAnew }],
  [
    'a replica that was restarted',
    { address: elsewhere, startedAt: restarted, statisticsSince: [noon - minute, noon - minute, noon - minute] },
  ],
  [
    'a replica that was restarted behind the same address',
    { startedAt: restarted, statisticsSince: [noon - minute, noon - minute, noon - minute] },
  ],
  [
    'a new replica with statistics of its own',
    { address: elsewhere, standby: true, startedAt: restarted, statisticsSince: begunAnew },
  ],
  ['a replica made of a stopped copy', { address: elsewhere, standby: true, startedAt: restarted }],
  ['such a replica that was promoted', { address: elsewhere, timeline: 4, startedAt: restarted }],
  ['elsewhere, of which nothing else is known', { address: elsewhere, startedAt: restarted, statisticsSince: [] }],
])('a server is another one when it is %s', (_, change) => {
  expect(same(change)).toBe(false);
});

test('histories of the first form go on', () => {
  const now = identityOf({ ...seen, startedAt: restarted });
  expect(isSameServer('7212345678901234567 10.0.0.5:5432 /var/lib/postgresql/data', now)).toBe(true);
  expect(isSameServer('7212345678901234567 10.0.0.6:5432 /var/lib/postgresql/data', now)).toBe(false);
  const unknown = identityOf({ ...seen, address: null, dataDirectory: null });
  expect(isSameServer('7212345678901234567 ? ?', unknown)).toBe(true);
});
