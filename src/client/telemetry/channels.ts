import { channel } from 'node:diagnostics_channel';

/**
 * What `node:diagnostics_channel` subscribers can hear: `pitcrew:statement` a `StatementOutcome`, `pitcrew:acquire` an
 * `AcquireOutcome`, `pitcrew:connection` what was opened or closed, `pitcrew:warning` a `PoolWarning`. Values of parameters
 * are in the first: whoever subscribes is part of the application.
 */
export const channels = {
  statement: channel('pitcrew:statement'),
  acquire: channel('pitcrew:acquire'),
  connection: channel('pitcrew:connection'),
  warning: channel('pitcrew:warning'),
};
