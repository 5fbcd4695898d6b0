import { isMovingText } from '../../sql/index.ts';

/**
 * Writes parameters as one text, so that two lists have the same text only when the driver sends the same for them: 1 and '1'
 * differ, as do null and 'null'. `undefined` for what cannot be told by its value: functions, symbols, objects with `toPostgres`,
 * objects that JSON cannot have.
 */
export function writeParameters(values: readonly unknown[]): string | undefined {
  let text = `${values.length}:`;
  for (const value of values) {
    const part = writeValue(value);
    if (part === undefined) return undefined;
    text += part;
  }
  return text;
}

function writeValue(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return withLength('s', value);
    case 'number':
      return `n${value};`;
    case 'bigint':
      return `i${value};`;
    case 'boolean':
      return value ? 't' : 'f';
    case 'undefined':
      // The driver sends NULL.
      return 'z';
    case 'object':
      return value === null ? 'z' : writeObject(value);
    default:
      return undefined;
  }
}

function writeObject(value: object): string | undefined {
  if (Array.isArray(value)) {
    const list = writeParameters(value as readonly unknown[]);
    return list === undefined ? undefined : `a${list}`;
  }
  // The driver writes dates in the zone of the process, and a column without a zone takes that clock's time.
  if (value instanceof Date) return `d${value.getTime()},${value.getTimezoneOffset()};`;
  if (ArrayBuffer.isView(value)) {
    return withLength('b', Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1'));
  }
  if ('toPostgres' in value) return undefined;
  try {
    const json: unknown = JSON.stringify(value);
    return typeof json === 'string' ? withLength('j', json) : undefined;
  } catch {
    return undefined;
  }
}

function withLength(tag: string, text: string): string {
  return `${tag}${text.length}:${text}`;
}

/**
 * Whether a text among the parameters, or in a list or object among them, may mean another time each time it is read: 'now',
 * 'today'. What such a statement answers must not be kept, whatever it depends on.
 */
export function areMoving(values: readonly unknown[]): boolean {
  return values.some((value) => {
    if (typeof value === 'string') return isMovingText(value);
    if (Array.isArray(value)) return areMoving(value as readonly unknown[]);
    return false;
  });
}
