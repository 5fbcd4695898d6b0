import type { Config } from '../../../config/index.ts';
import { PitcrewError } from '../../../errors.ts';
import {
  cancelBackend,
  type ColumnRow,
  explainStatement,
  readColumns,
  resetStatements,
  type StatementScope,
  terminateBackend,
} from '../../../engine/postgres/index.ts';
import type { PlanAnswer, PlanRequest, TopStatements } from '../types.ts';
import type { Link } from './link.ts';
import { type Taken, topStatements } from './top-statements.ts';

/** What the settings allow to be changed on the server. */
export type AllowedActions = Pick<Config['actions'], 'sessions' | 'resetStatistics'>;

/** What is done on request, over the connections that watch; what changes something only when it is allowed. */
export class Actions {
  readonly #link: Link;
  readonly #allowed: AllowedActions | undefined;

  constructor(link: Link, allowed: AllowedActions | undefined) {
    this.#link = link;
    this.#allowed = allowed;
  }

  async explain(request: PlanRequest): Promise<PlanAnswer> {
    return this.#checked(async () => explainStatement(await this.#link.thorough(), this.#link.known(), request));
  }

  async topStatements(scope: StatementScope, most: number, taken?: Taken): Promise<TopStatements> {
    return this.#checked(() => topStatements(this.#link, scope, most, taken));
  }

  async columns(tables: readonly string[]): Promise<ColumnRow[]> {
    return this.#checked(async () => readColumns(await this.#link.thorough(), tables));
  }

  async cancelSession(pid: number): Promise<boolean> {
    this.#require('sessions', 'PITCREW_ACTIONS_SESSIONS', 'cancelling sessions');
    return this.#checked(() => cancelBackend(this.#link.quick(), pid));
  }

  async terminateSession(pid: number): Promise<boolean> {
    this.#require('sessions', 'PITCREW_ACTIONS_SESSIONS', 'terminating sessions');
    return this.#checked(() => terminateBackend(this.#link.quick(), pid));
  }

  async resetStatements(): Promise<void> {
    this.#require('resetStatistics', 'PITCREW_ACTIONS_RESET_STATISTICS', 'resetting statistics');
    return this.#checked(() => resetStatements(this.#link.quick(), this.#link.known()));
  }

  #require(setting: keyof AllowedActions, variable: string, what: string): void {
    if (this.#allowed?.[setting]) return;
    throw new PitcrewError('E_FORBIDDEN', `${what} is not allowed`, {
      detail: `The setting actions.${setting} is false.`,
      hint: `Set actions.${setting} to true in the configuration, or ${variable}=true.`,
    });
  }

  async #checked<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      this.#link.check(error);
      throw error;
    }
  }
}
