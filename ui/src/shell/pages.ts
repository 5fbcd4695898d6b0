import type { IconName } from '../components/icon.tsx';

/** The pages of the navigation; `key` follows `g` on the keyboard. */
export const pages: readonly { path: string; title: string; icon: IconName; key: string }[] = [
  { path: '/', title: 'Overview', icon: 'overview', key: 'o' },
  { path: '/queries', title: 'Queries', icon: 'queries', key: 'q' },
  { path: '/applications', title: 'Applications', icon: 'applications', key: 'a' },
  { path: '/cache', title: 'Cache', icon: 'cache', key: 'c' },
  { path: '/sessions', title: 'Sessions', icon: 'sessions', key: 's' },
  { path: '/tables', title: 'Tables', icon: 'tables', key: 't' },
  { path: '/indexes', title: 'Indexes', icon: 'indexes', key: 'i' },
  { path: '/advice', title: 'Advice', icon: 'advice', key: 'd' },
  { path: '/backups', title: 'Backups', icon: 'backups', key: 'b' },
  { path: '/server', title: 'Server', icon: 'server', key: 'v' },
];
