import { redactSecrets } from '../../errors.ts';

const secretKeys =
  /^(authorization|proxy-authorization|cookie|set-cookie|password|passwd|token|secret|connectionstring)$/i;

/**
 * A copy of what is to be logged without secrets: fields with a secret's name are masked, passwords in URLs and in
 * `password=…` are masked in every text. Errors are left to the error serialiser. Depth is bounded against cycles.
 */
export function redactFields(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactSecrets(value);
  if (typeof value !== 'object' || value === null || value instanceof Error || value instanceof Date) return value;
  if (depth > 5) return '…';
  if (Array.isArray(value)) return value.map((each) => redactFields(each, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, secretKeys.test(key) ? '***' : redactFields(each, depth + 1)]),
  );
}

/** An error as a log shows it: type, code, message and stack, passwords masked. */
export function serialiseError(error: unknown): unknown {
  if (!(error instanceof Error)) return redactFields(error);
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    message: redactSecrets(error.message),
    stack: redactSecrets(error.stack ?? ''),
    ...(error.cause === undefined
      ? {}
      : { cause: error.cause instanceof Error ? redactSecrets(error.cause.message) : redactFields(error.cause) }),
  };
}
