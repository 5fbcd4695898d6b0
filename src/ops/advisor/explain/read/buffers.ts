const kinds = ['shared', 'local', 'temp'] as const;
const works = ['hit', 'read', 'dirtied', 'written'] as const;

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** `shared hit=1 read=2, temp read=1 written=2` as the block counts of EXPLAIN's JSON. */
export function buffersLine(value: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const kind of kinds) {
    for (const work of works) {
      if (kind !== 'temp' || work === 'read' || work === 'written')
        found[`${capital(kind)} ${capital(work)} Blocks`] = 0;
    }
  }
  for (const part of value.split(', ')) {
    const kind = capital(/^(\w+)/.exec(part)?.[1] ?? '');
    for (const [, work = '', count] of part.matchAll(/(\w+)=(\d+)/g))
      found[`${kind} ${capital(work)} Blocks`] = Number(count);
  }
  return found;
}

/** `shared read=0.1 write=0.2, temp read=0.3` in ms. PostgreSQL 15 says `shared/local`, 14 nothing. */
export function ioLine(value: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const part of value.split(', ')) {
    const kind = /^(shared|local|temp)\b/.exec(part)?.[1] ?? 'shared';
    for (const [, work = '', ms] of part.matchAll(/(\w+)=([\d.]+)/g)) {
      found[`${capital(kind)} I/O ${capital(work)} Time`] = Number(ms);
    }
  }
  return found;
}
