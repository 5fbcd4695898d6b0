import { Command } from 'commander';
import { expect, test } from 'vitest';
import { type TargetFlags, targetOf, withTarget } from './restore-target.ts';

/** What recovery goes to by such flags. */
function target(...flags: string[]): ReturnType<typeof targetOf> {
  const command = withTarget(new Command('restore'))
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  return targetOf(command.parse(flags, { from: 'user' }).opts<TargetFlags>());
}

test.each([
  ['2026-11-30T02:15:00Z', '2026-11-30T02:15:00Z'],
  ['2026-11-30T02:15z', '2026-11-30T02:15:00Z'],
  // As PostgreSQL writes it.
  ['2026-11-30 03:15:00.123456+01', '2026-11-30T03:15:00.123456+01:00'],
  ['2026-11-30 03:15:00.5 +0530', '2026-11-30T03:15:00.5+05:30'],
  ['2028-02-29T00:00:00-03:30', '2028-02-29T00:00:00-03:30'],
])('the time %s is understood', (text, time) => {
  expect(target('--target-time', text)).toMatchObject({ time });
});

test.each([
  ['--target-time', '2026-11-30T02:15:00'],
  ['--target-time', '2026-11-30'],
  ['--target-time', '2026-02-30T00:00:00Z'],
  ['--target-time', '2026-11-30T25:00:00Z'],
  ['--target-time', '2026-11-30T02:15:00+16:00'],
  ['--target-time', '2026-11-30T02:15:00+01:77'],
  ['--target-time', 'Oct 30 2026 02:15 +0100'],
  ['--target-time', 'yesterday'],
  ['--target-lsn', '0/'],
  ['--target-lsn', '1234'],
  ['--target-xid', '2'],
  ['--target-xid', '-5'],
  ['--target-xid', '18446744073709551616'],
  ['--target-name', ''],
  ['--target-name', 'x'.repeat(64)],
  ['--target-name', 'two\nlines'],
  ['--timeline', '0'],
  ['--timeline', '1e1'],
  ['--timeline', '4294967296'],
  ['--target-action', 'open'],
])('%s %j is refused', (...flags) => {
  expect(() => target(...flags)).toThrow(expect.objectContaining({ code: 'commander.invalidArgument' }));
});

test('flags that say two things, or nothing, are refused', () => {
  const usage = expect.objectContaining({ code: 'E_USAGE' });
  expect(() => target('--immediate', '--target-xid', '739')).toThrow(usage);
  expect(() => target('--exclusive', '--immediate')).toThrow(usage);
  expect(() => target('--target-action', 'pause')).toThrow(usage);
  expect(target('--timeline', 'current')).toMatchObject({ timeline: 'current' });
  expect(target('--timeline', '12', '--target-lsn', '0/3000028', '--exclusive')).toMatchObject({
    timeline: 12,
    lsn: 0x3000028n,
    exclusive: true,
  });
});
