/** What a command is made of. */
export type Argument = string | Buffer;

/** A connection to Redis, or to a cluster, of our own; made from a client of whichever library. */
export interface Link {
  /** Messages come on the connection of the answers: whatever was published before a command ran is here before its answer. */
  readonly isOrdered: boolean;
  readonly isCluster: boolean;
  /** Sends at once, or rejects. Texts of the answer are buffers. */
  send(key: string, command: Argument[]): Promise<unknown>;
  /** Begins anew with another connection. */
  reconnect(): void;
  close(): Promise<void>;
}

/** Told by a link. */
export interface LinkEvents {
  /** Commands can be sent, and messages are being heard, perhaps on another connection than before. */
  up(): void;
  /** Rejected commands and missed messages from now on. */
  down(cause: unknown): void;
  message(channel: string, text: string): void;
}

export type OpenLink = (channels: readonly string[], events: LinkEvents) => Link;

/** A connection on which nothing has moved for so long, though we ask every two seconds, is dead. */
export const deadAfterMs = 5000;

/** How long to wait before the next attempt, in ms, with a random part so that a fleet does not come all at once. */
export function reconnectAfterMs(attempts: number): number {
  return Math.min(50 * 2 ** Math.min(attempts, 10), 2000) * (0.75 + Math.random() / 2);
}
