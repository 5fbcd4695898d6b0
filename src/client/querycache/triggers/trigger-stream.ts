import { EventStream } from '../stream/event-stream.ts';
import { withDefaults } from './settings.ts';
import { TriggerSession } from './trigger-session.ts';
import type { TriggerStreamOptions } from './types.ts';

/**
 * The changes of one database from triggers and NOTIFY, where a role may not replicate: tells the same as `ChangeStream`. Writers pay for
 * it: a few microseconds for each statement, and their commits come one after the other. Takes two connections, and a third for a
 * moment while triggers are made.
 */
export class TriggerStream extends EventStream {
  constructor(options: TriggerStreamOptions) {
    const settings = withDefaults(options);
    const starting = 'connecting; triggers are made where they lack and that is allowed';
    super({ ...settings, starting }, (sink) => new TriggerSession(settings, sink));
  }
}
