import type { Document } from './types.ts';

/** A document as PostgreSQL's jsonb takes it: without NUL characters and halves of surrogate pairs. */
export function documentText(document: Document | null): string | null {
  if (document === null) return null;
  return JSON.stringify(document, (_, value: unknown) =>
    typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '') : value,
  );
}
