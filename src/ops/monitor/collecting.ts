import type { CollectorName } from './types.ts';

/** Activity is summed up in windows of the width of the finest history. */
export const windowMs = 10_000;

/**
 * What reading may cost the server, as a share of the time: it is read less often where there is so much to read that it
 * would cost more. Together with what is not limited, 1 ms per second.
 */
export const shares: Partial<Record<CollectorName, number>> = { statements: 0.0005, tables: 0.00025 };

export const collectorNames: readonly CollectorName[] = ['activity', 'statements', 'instance', 'tables', 'slow'];
