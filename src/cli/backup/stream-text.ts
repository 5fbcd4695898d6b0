import type { StreamEvent, StreamFault, StreamState } from '../../ops/backup/index.ts';
import { formatBytes, formatMs } from '../screen/format.ts';

/** What people are told of an event, in one line or more; `undefined` for what only counts. */
export function eventText(event: StreamEvent): string | undefined {
  switch (event.type) {
    case 'connected':
      return `Receiving the log of ${event.address}, timeline ${event.timeline}, with the slot ${event.slot}.`;
    case 'waiting':
      return `The slot ${event.slot} is in use by ${event.holder}. Waiting until that has ended.`;
    case 'disconnected':
      return `${faultText(event.error)}${again(event.nextAttemptAt)}`;
    case 'slot':
      return event.action === 'created'
        ? `Made the slot ${event.slot}: from ${event.lsn} on the server keeps its log until it is stored.`
        : `Made the slot ${event.slot} anew, from ${event.lsn} on. ${event.reason ?? ''}`.trimEnd();
    case 'unlimited':
      return 'The server keeps log for the slot without a limit, and may run out of disk when this stream is not running: consider max_slot_wal_keep_size.';
    case 'synchronous':
      return "The server's synchronous_standby_names counts this stream as a standby: a COMMIT may wait until it is stored. Name the standbys there instead of *.";
    case 'stored':
      return undefined;
    case 'timeline':
      return `The server was promoted: timeline ${event.timeline} begins at ${event.lsn}. Following it.`;
    case 'gap':
      return (
        `Log is lost: ${event.segments === 1 ? event.first : `${event.first} to ${event.last} (${event.segments} segments)`} is not in ` +
        `${event.repository}, and the server does not have it any more. No moment in it or after it can be restored from the backups before it: ` +
        'make a full backup now.'
      );
    case 'unencrypted':
      return `${event.repository}: the latest backup there is encrypted, and the log from now on is not. Give --recipient again, unless that is meant.`;
    case 'repository-failing':
      return `${event.repository}: ${faultText(event.error)}${again(event.nextAttemptAt)}`;
    case 'repository-away':
      return `${event.repository} has not taken log since ${event.since}. The server keeps it for now.`;
    case 'repository-back':
      return `${event.repository} takes log again.`;
    case 'let-go':
      return `The log from ${event.lsn} on is not kept for ${event.repository} any longer.`;
    case 'caught-up':
      return `All log up to ${event.lsn} is stored.`;
    case 'ended':
      return undefined;
  }
}

/** How it stands, in one line. */
export function stateText(state: StreamState): string {
  if (state.phase !== 'streaming') return state.phase === 'waiting' ? 'Waiting for the slot …' : 'Connecting …';
  const lags = state.repositories.map(({ lagBytes }) => lagBytes ?? 0);
  const ms = Math.max(0, ...state.repositories.map(({ lagMs }) => lagMs ?? 0));
  const behind = Math.max(0, ...lags);
  const lag = behind === 0 ? 'all stored' : `${formatBytes(behind)} and ${formatMs(ms)} not stored yet`;
  return `At ${state.receivedLsn ?? '–'}, ${formatBytes(state.bytesPerSecond)}/s, ${lag}`;
}

function faultText({ message, detail }: StreamFault): string {
  const text = message[0] === undefined ? message : message[0].toUpperCase() + message.slice(1);
  return detail === undefined ? `${text}.` : `${text}: ${detail}`;
}

const again = (at: string | null): string => (at === null ? '' : ` Trying again at ${at.slice(11, 19)} UTC.`);
