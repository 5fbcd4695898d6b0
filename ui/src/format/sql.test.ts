import { describe, expect, it } from 'vitest';
import { oneLine } from './sql.ts';

describe('a statement on one line', () => {
  it('folds white space and drops leading comments', () => {
    expect(oneLine('/* app */ -- why\n  select *\n\tfrom  orders ')).toBe('select * from orders');
  });

  it('cuts what is long and says what is not readable', () => {
    expect(oneLine(`select ${'x'.repeat(50)}`, 10)).toBe('select xxx…');
    expect(oneLine(null)).toBe('Text not readable for Pitcrew’s role');
  });
});
