import type { z } from '@hono/zod-openapi';
import { isErrorCode, messageOf, PitcrewError } from '../errors.ts';

export interface DaemonAddress {
  url: string;
  token: string | undefined;
  /** One of the databases that it watches; its first when `undefined`. */
  database: string | undefined;
}

const timeoutMs = 30_000;

/** Asks a daemon over its HTTP API. */
export class DaemonClient {
  readonly #base: URL;
  readonly #address: DaemonAddress;

  /** @throws {PitcrewError} `E_USAGE` for a URL that is none */
  constructor(address: DaemonAddress) {
    const base = URL.canParse(address.url) ? new URL(address.url) : undefined;
    if (!base || !/^https?:$/.test(base.protocol)) {
      throw new PitcrewError('E_USAGE', '--url must be an http or https address', {
        detail: `Found "${address.url}".`,
        hint: 'Give it as "pitcrew serve" prints it: http://127.0.0.1:7432.',
      });
    }
    this.#base = base;
    this.#address = address;
  }

  /** Where it is, for people. */
  get origin(): string {
    return this.#base.origin;
  }

  /**
   * Asks for a path below `/api/v1/database`; with a body it is a change.
   * @throws {PitcrewError} what the daemon answers; `E_DAEMON_UNREACHABLE` when nobody does, or somebody else
   */
  async ask<Schema extends z.ZodType>(
    schema: Schema,
    path: string,
    { query = {}, body }: { query?: Record<string, string | undefined>; body?: object } = {},
  ): Promise<z.output<Schema>> {
    const response = await this.#fetch(this.#urlOf(path, query), body);
    const text = await response.text();
    const answer = parsed(text);
    if (!response.ok) throw this.#refusal(response.status, answer);
    const found = schema.safeParse(answer);
    if (found.success) return found.data;
    throw new PitcrewError('E_DAEMON_UNREACHABLE', `what answers at ${this.origin} is not this version of Pitcrew`, {
      detail: `It answered ${response.status}: ${text.slice(0, 200)}`,
      hint: 'Name the address of "pitcrew serve" with --url, and use the same version of both.',
    });
  }

  #urlOf(path: string, query: Record<string, string | undefined>): URL {
    const url = new URL(`${this.#base.pathname.replace(/\/+$/, '')}/api/v1/database${path}`, this.#base);
    for (const [name, value] of Object.entries({ database: this.#address.database, ...query })) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    return url;
  }

  async #fetch(url: URL, body: object | undefined): Promise<Response> {
    const { token } = this.#address;
    try {
      return await fetch(url, {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        // A token goes to nobody else.
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch (error) {
      const reason = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw new PitcrewError('E_DAEMON_UNREACHABLE', '"pitcrew serve" cannot be reached', {
        detail: `${this.origin}: ${messageOf(reason)}`,
        hint: 'Start it, or name its address with --url.',
        cause: error,
      });
    }
  }

  #refusal(status: number, answer: unknown): PitcrewError {
    const { code, title, detail, hint } = fieldsOf(answer);
    if (isErrorCode(code)) {
      return new PitcrewError(code, textOf(title) ?? 'refused', { detail: textOf(detail), hint: textOf(hint) });
    }
    return new PitcrewError('E_DAEMON_UNREACHABLE', `what answers at ${this.origin} is not "pitcrew serve"`, {
      detail: `It answered ${status}.`,
      hint: 'Name the address of "pitcrew serve" with --url.',
    });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
