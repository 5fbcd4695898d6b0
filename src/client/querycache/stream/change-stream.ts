import { EventStream } from './event-stream.ts';
import { withDefaults } from './settings.ts';
import { StreamSession } from './stream-session.ts';
import type { ChangeStreamOptions } from './types.ts';

/**
 * The changes of one database from logical replication. Takes two connections, one of which is a WAL sender with a slot of its own: `close`
 * ends a temporary slot; a permanent one stays, and holds log back until it is used or dropped.
 */
export class ChangeStream extends EventStream {
  constructor(options: ChangeStreamOptions) {
    const settings = withDefaults(options);
    const starting = 'connecting; running transactions that have written something are waited for';
    super({ ...settings, starting }, (sink) => new StreamSession(settings, sink));
  }
}
