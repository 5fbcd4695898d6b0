import { prepareValue } from '../../pool/driver.ts';

/**
 * A value as PostgreSQL is sent it, as text; `null` for NULL. `undefined` for what is not kept: bytes, what takes more than `maxBytes`
 * bytes in UTF-8 (a part of it would be another value), and what PostgreSQL could not take as text.
 * @throws what a value's own `toPostgres` or `toJSON` throws
 */
export function valueText(value: unknown, maxBytes: number): string | null | undefined {
  // Before anything is written: large values are not to cost what they would take as text.
  if (holdsTooMuch(value, maxBytes)) return undefined;
  const text = typeof value === 'string' ? value : prepareValue(value);
  if (text === null) return null;
  return typeof text === 'string' && fits(text, maxBytes) ? text : undefined;
}

/** No text of PostgreSQL's holds a NUL character, and half a character would arrive as another one. */
export function fits(text: string, maxBytes: number): boolean {
  return text.length <= maxBytes && Buffer.byteLength(text) <= maxBytes && text.isWellFormed() && !text.includes('\0');
}

function holdsTooMuch(value: unknown, maxBytes: number): boolean {
  if (typeof value === 'string') return value.length > maxBytes;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return true;
  // Each element takes a character, and there is a comma or brace beside it.
  return (
    Array.isArray(value) && (value.length * 2 > maxBytes || value.some((element) => holdsTooMuch(element, maxBytes)))
  );
}
