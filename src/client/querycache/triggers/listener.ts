import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { closeClient, openClient, unrefClient } from '../stream/client.ts';
import { channel } from './trigger-function.ts';

export interface ListenerSink {
  /** A trigger, or anyone else, has told something. */
  told(payload: string): void;
  /** A mark of this listener's own has come back. */
  marked(number: number, xid: number): void;
}

/**
 * When a frozen process does not take what is sent to it for so long, in ms, the server gives its connection up. Until then the server
 * keeps all notifications for it.
 */
const UNTAKEN_MS = 60_000;

/** The connection that notifications come on. Nothing else is asked on it, so that they are never held up. */
export class Listener {
  readonly #client: pg.Client;
  /** Of this listener alone: nobody else is woken by its marks, and nobody can guess its name. */
  readonly #marks: string;

  private constructor(client: pg.Client, marks: string) {
    this.#client = client;
    this.#marks = marks;
  }

  /**
   * Resolves when everything that commits from now on will come.
   * @param lost told once when the connection ends without being asked to.
   */
  static async open(
    config: pg.ClientConfig,
    timeoutMs: number,
    sink: ListenerSink,
    lost: (error: Error) => void,
  ): Promise<Listener> {
    const client = await openClient(config, timeoutMs, lost);
    const marks = `pitcrew_mark_${randomBytes(12).toString('hex')}`;
    client.on('notification', (notification) => {
      const { payload = '' } = notification;
      if (notification.channel === channel) sink.told(payload);
      else if (notification.channel === marks) {
        const [number, xid] = payload.split(' ').map(Number);
        sink.marked(number ?? 0, xid ?? 0);
      }
    });
    try {
      await client.query(`SET /* pitcrew */ idle_session_timeout = 0; SET tcp_user_timeout = ${UNTAKEN_MS}`);
      await client.query(`LISTEN /* pitcrew */ ${channel}; LISTEN ${marks}`);
    } catch (error) {
      await closeClient(client);
      throw error;
    }
    return new Listener(client, marks);
  }

  /**
   * Sends a mark to this listener by another connection.
   * @returns how full the server's queue of notifications is, from 0 to 1.
   */
  async mark(by: pg.ClientBase, number: number): Promise<number> {
    const { rows } = await by.query<{ usage: string }>({
      name: 'pitcrew_mark',
      text: `SELECT /* pitcrew */ pg_notify($1, concat($2::text, ' ', pg_current_xact_id())), pg_notification_queue_usage()::text AS "usage"`,
      values: [this.#marks, String(number)],
    });
    return Number(rows[0]?.usage ?? 0);
  }

  /** From now on the connection keeps no process alive. */
  unref(): void {
    unrefClient(this.#client);
  }

  close(): Promise<void> {
    return closeClient(this.#client);
  }
}
