import type { IconName } from '../components/icon.tsx';
import type { Tone } from '../components/status.tsx';
import type { WatchedDatabase } from './use-databases.ts';

type Connection = WatchedDatabase['connection'];

/** States of the connection to a watched database, in words. */
export const connectionWords: Record<Connection, { tone: Tone; word: string; sentence: string; icon?: IconName }> = {
  connecting: { tone: 'info', word: 'Connecting', sentence: 'Pitcrew is connecting to the database', icon: 'plug' },
  watching: { tone: 'ok', word: 'Watching', sentence: 'The database is being watched' },
  unreachable: { tone: 'critical', word: 'Unreachable', sentence: 'The database cannot be reached' },
  refused: { tone: 'critical', word: 'Refused', sentence: 'The database refuses the connection' },
  unsupported: {
    tone: 'critical',
    word: 'Unsupported',
    sentence: 'The database is of a version that is not supported',
  },
  'standby-daemon': {
    tone: 'info',
    word: 'Standing by',
    sentence: 'Another daemon watches this database; this one stands by',
    icon: 'clock',
  },
};
