import { messageOf, PitcrewError, redactSecrets } from '../../../errors.ts';

const hint =
  'The cache does without Redis until it answers again. See that it runs, can be reached, and takes the commands of this user.';

/** What went wrong between us and Redis, with nothing secret in it. */
export function tierError(fact: string, cause?: unknown): PitcrewError {
  if (cause instanceof PitcrewError) return cause;
  if (cause === undefined) return new PitcrewError('E_CACHE_TIER', fact, { hint });
  const message = messageOf(cause);
  // A server that does not know a command repeats what it was given: the password, when it is the first command.
  const detail = message.replace(/,? with args beginning with:.*$/s, '');
  const said = cause instanceof Error ? cause.message : String(cause);
  const isClean = detail === message && redactSecrets(said) === said;
  return new PitcrewError('E_CACHE_TIER', fact, { detail, hint, ...(isClean ? { cause } : {}) });
}

/** Whether Redis itself said no, with such a word at the beginning: `OOM`, `WRONGTYPE`, `NOSCRIPT`. */
export function isReply(error: unknown, word: string): boolean {
  const cause = error instanceof PitcrewError ? error.cause : error;
  // Errors of a script are wrapped by some versions: "ERR Error running script …: @user_script: 11: -OOM command not allowed".
  return cause instanceof Error && new RegExp(`(^|[-:] ?)${word}\\b`).test(cause.message);
}
