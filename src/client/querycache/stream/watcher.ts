import type pg from 'pg';
import { lsnOf } from '../../../engine/postgres/replication/index.ts';
import { Snapshot } from '../fence/index.ts';
import { closeClient, GOODBYE_MS, openClient, unrefClient } from './client.ts';
import { type Published, readPublished } from './publication.ts';
import { schemaSql } from './schema-sql.ts';

/** Where the server stands. */
export interface Standing {
  /** Where the log ends. The record of every commit that others can see lies before it, on disk or not yet. */
  insertLsn: bigint;
  snapshot: Snapshot;
}

/** What definitions were like, and what is published, as of a snapshot. */
export interface Definitions extends Published {
  snapshot: Snapshot;
  /** Compared with a later one. */
  text: string;
}

/** The second connection of a change stream, an ordinary one: asks where the log ends and whether definitions have changed. */
export class Watcher {
  readonly client: pg.Client;

  private constructor(client: pg.Client) {
    this.client = client;
  }

  /** @param lost told once when the connection ends without being asked to. */
  static async open(config: pg.ClientConfig, timeoutMs: number, lost: (error: Error) => void): Promise<Watcher> {
    const client = await openClient(config, timeoutMs, lost);
    try {
      // Its own few writes do not wait for standbys.
      await client.query(`SET /* pitcrew */ synchronous_commit = local; SET statement_timeout = ${timeoutMs}`);
    } catch (error) {
      await closeClient(client);
      throw error;
    }
    return new Watcher(client);
  }

  async standing(): Promise<Standing> {
    const { rows } = await this.client.query<{ inserted: string; snapshot: string }>({
      name: 'pitcrew_standing',
      text: `SELECT /* pitcrew */ pg_current_wal_insert_lsn()::text AS "inserted", pg_current_snapshot()::text AS "snapshot"`,
    });
    const { inserted = '', snapshot = '' } = rows[0] ?? {};
    return { insertLsn: lsnOf(inserted) ?? 0n, snapshot: Snapshot.parse(snapshot) };
  }

  async definitionsText(): Promise<Pick<Definitions, 'snapshot' | 'text'>> {
    const { rows } = await this.client.query<{ snapshot: string; definitions: string }>({
      name: 'pitcrew_definitions',
      text: schemaSql,
    });
    const { snapshot = '', definitions: text = '' } = rows[0] ?? {};
    return { snapshot: Snapshot.parse(snapshot), text };
  }

  /** What is published is read after the text, so that a change in between shows in the next comparison. */
  async definitions(publication: string): Promise<Definitions> {
    const known = await this.definitionsText();
    return { ...known, ...(await readPublished(this.client, publication)) };
  }

  /**
   * Writes a few bytes to the log and has them brought to disk, with all before them. What readers leave in the log (hint bits, pruning)
   * is not brought there by itself, and the stream only tells of what is.
   */
  async nudge(): Promise<void> {
    await this.client.query(`SELECT /* pitcrew */ pg_logical_emit_message(true, 'pitcrew', '')`);
  }

  /** Ends what a process of the same role is doing: one that waits does not notice by itself that its client is gone. */
  async cancel(processId: number): Promise<void> {
    const late = new Promise<void>((resolve) => setTimeout(resolve, GOODBYE_MS).unref());
    const cancelled = this.client.query('SELECT /* pitcrew */ pg_cancel_backend($1)', [processId]);
    await Promise.race([cancelled.catch(() => {}), late]);
  }

  /** From now on the connection keeps no process alive. */
  unref(): void {
    unrefClient(this.client);
  }

  close(): Promise<void> {
    return closeClient(this.client);
  }
}
