import { PitcrewError } from '../../errors.ts';
import type { DatabaseConnection } from './connection.ts';
import type { ServerProfile } from './profile.ts';

export interface ExplainRequest {
  text: string;
  /** search_path under which names are resolved; the role's own by default. */
  searchPath?: string;
}

export interface ExplainAnswer {
  /** EXPLAIN's JSON: the object with `Plan`. */
  plan: unknown;
  /** EXPLAIN's text form. */
  text: string;
  /** True when it was planned without parameter values. */
  generic: boolean;
  totalCost: number;
}

/** Plans a statement without running it. Throws `E_QUERY` (with SQLSTATE) and `E_UNSUPPORTED`. */
export async function explainStatement(
  connection: DatabaseConnection,
  profile: ServerProfile,
  request: ExplainRequest,
): Promise<ExplainAnswer> {
  void [connection, profile, request];
  throw new PitcrewError('E_INTERNAL', 'not there yet');
}
