/** Looked at of one value; of what is larger the rest is taken to be like what was seen. */
const mostNodes = 2000;
/** What V8 needs for an object, an array or a map besides what is in it, and for a slot in it; bytes, 64 bits. */
const objectBytes = 40;
const slotBytes = 8;

/** About how much memory a value takes, in bytes. Shared parts count once. */
export function sizeOf(value: unknown): number {
  const seen = new Set<object>();
  const waiting: unknown[] = [value];
  let bytes = 0;
  let nodes = 0;
  for (let next = waiting.pop(); nodes < mostNodes; next = waiting.pop()) {
    nodes += 1;
    bytes += shallow(next);
    if (typeof next === 'object' && next !== null && !seen.has(next)) {
      seen.add(next);
      for (const part of partsOf(next)) waiting.push(part);
    }
    if (waiting.length === 0) return bytes;
  }
  return Math.round((bytes / nodes) * (nodes + waiting.length));
}

function shallow(value: unknown): number {
  switch (typeof value) {
    case 'string':
      // One byte a character where all of them are Latin; this is the more careful answer for others.
      return objectBytes + value.length * 2;
    case 'bigint':
      return objectBytes;
    case 'object':
      return value === null ? slotBytes : objectBytes + (ArrayBuffer.isView(value) ? value.byteLength : 0);
    default:
      return slotBytes;
  }
}

function partsOf(value: object): Iterable<unknown> {
  if (ArrayBuffer.isView(value)) return [];
  if (Array.isArray(value) || value instanceof Set) return value;
  if (value instanceof Map) return [...value].flat();
  return Object.values(value);
}
