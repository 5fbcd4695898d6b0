import { z } from 'zod';
import { lsnOf, lsnText } from '../../../engine/postgres/replication/index.ts';

/** A position, written as PostgreSQL does. */
export const lsn = z.codec(z.string(), z.bigint(), {
  decode: (text, context) => {
    const position = lsnOf(text);
    if (position !== undefined) return position;
    context.issues.push({ code: 'custom', message: 'not a position such as 16/B374D848', input: text });
    return z.NEVER;
  },
  encode: lsnText,
});

export const time = z.codec(z.iso.datetime(), z.date(), {
  decode: (text) => new Date(text),
  encode: (at) => at.toISOString(),
});

export const count = z.int().nonnegative();
