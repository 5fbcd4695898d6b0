import { EventStream } from '../stream/event-stream.ts';
import { withDefaults } from './settings.ts';
import { TriggerSession } from './trigger-session.ts';
import type { TriggerStreamOptions } from './types.ts';

/**
 * The changes of one database from triggers and NOTIFY, where a role may not replicate: tells the same as `ChangeStream`, and only ever
 * after others can see it. Takes two connections, and a third for a moment while triggers are made.
 *
 * Writers pay for it: about 10 µs for each statement that changes rows, and the server lets transactions that notify commit one at a
 * time, in all its databases, so that they do not share a flush to disk or the wait for a synchronous standby any more.
 */
export class TriggerStream extends EventStream {
  constructor(options: TriggerStreamOptions) {
    const settings = withDefaults(options);
    const starting = 'connecting; triggers are made where they lack and that is allowed';
    super({ ...settings, starting }, (sink) => new TriggerSession(settings, sink));
  }
}
