import { channel } from 'node:diagnostics_channel';

/**
 * What `node:diagnostics_channel` subscribers can hear; nothing is made where nobody listens.
 * - `pitcrew:statement`: a `StatementOutcome` with `callSite` and `scope`, where known. Values of parameters are in it: whoever
 *   subscribes is part of the application.
 * - `pitcrew:acquire`: an `AcquireOutcome`.
 * - `pitcrew:connection`: `{ type: 'opened' | 'failed', endpoint, tookMs, error }` or `{ type: 'closed', endpoint, reason }`.
 * - `pitcrew:warning`: `{ code, message, detail }` of the pool, or of a repeated statement (`code: 'repeated'`) with `scope`, `callSite`,
 *   `calls` and `fingerprint`.
 */
export const channels = {
  statement: channel('pitcrew:statement'),
  acquire: channel('pitcrew:acquire'),
  connection: channel('pitcrew:connection'),
  warning: channel('pitcrew:warning'),
};
