import type { BackupList } from '../../../src/server/api/backups.ts';
import { Tile } from '../components/tile.tsx';
import type { Tone } from '../components/status.tsx';
import { bytes, milliseconds, type Quantity, span, textOf } from '../format/quantity.ts';
import { moment } from '../format/time.ts';
import { useNow } from '../data/clock.ts';

const none: Quantity = { value: '–', unit: '' };

/** What one wants to know first: how old, how far back, how sure, how large. */
export function BackupFigures({ answer }: { answer: BackupList }) {
  const now = useNow(10_000);
  return (
    <ul class="grid grid-tiles grid-tiles-four" aria-label="Backups in figures">
      <Latest answer={answer} now={now} />
      <Reach answer={answer} now={now} />
      <Proof answer={answer} now={now} />
      <Size answer={answer} />
    </ul>
  );
}

interface Of {
  answer: BackupList;
  now: number;
}

const since = (at: string | undefined, now: number): Quantity =>
  at === undefined ? none : { value: span(Math.max(0, now - Date.parse(at))), unit: 'ago' };

function Latest({ answer: { backups, latest }, now }: Of) {
  const [last] = backups;
  const failed = latest.find(({ kind, state }) => (kind === 'full' || kind === 'incremental') && state === 'failed');
  return (
    <Tile
      title={last ? `Latest backup, ${last.type}` : 'Latest backup'}
      value={since(last?.endedAt, now)}
      hint={last ? `${last.id}, usable from ${moment(Date.parse(last.endedAt), now)}` : 'There is none yet'}
      {...(failed ? { status: 'warning' as Tone } : {})}
    />
  );
}

function Reach({ answer: { windows }, now }: Of) {
  const first = windows[0]?.from.at;
  const last = windows.at(-1);
  const gaps = windows.length > 1 ? `, with ${windows.length - 1} ${windows.length === 2 ? 'gap' : 'gaps'}` : '';
  return (
    <Tile
      title={`Can go back${gaps}`}
      value={first === undefined ? none : { value: span(Math.max(0, now - Date.parse(first))), unit: '' }}
      hint={last ? `To any moment until ${moment(Date.parse(last.to.at), now)}${gaps}` : 'Nothing can be restored'}
      {...(windows.length > 1 ? { status: 'warning' as Tone } : {})}
    />
  );
}

function Proof({ answer: { backups, service }, now }: Of) {
  const drills = backups.flatMap(({ proven, id }) => (proven ? [{ ...proven, id }] : []));
  const latest = drills.toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at))[0];
  const ready =
    latest?.readyMs === null || latest === undefined ? '' : `, ready in ${textOf(milliseconds(latest.readyMs))}`;
  const reason = service?.unprovable ?? 'No backup was restored to prove it yet';
  return (
    <Tile
      title={latest && !latest.ok ? 'Not as it should be' : `Proven${ready}`}
      value={since(latest?.at, now)}
      hint={latest ? `${latest.id} was ${latest.ok ? `restored${ready}` : 'not as it should be'}` : reason}
      {...(latest && !latest.ok ? { status: 'critical' as Tone } : {})}
    />
  );
}

function Size({ answer: { storedBytes, logBytes, count } }: { answer: BackupList }) {
  const hint = `${count} ${count === 1 ? 'backup' : 'backups'}: ${textOf(bytes(storedBytes))}, and ${textOf(bytes(logBytes))} of log`;
  return (
    <Tile
      title={count === 1 ? 'Stored, 1 backup' : `Stored, ${count} backups`}
      value={storedBytes === null ? none : bytes(storedBytes + (logBytes ?? 0))}
      hint={hint}
    />
  );
}
