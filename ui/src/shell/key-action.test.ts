import { describe, expect, it } from 'vitest';
import { keyAction, type KeyState } from './key-action.ts';

const pages = [{ path: '/queries', key: 'q' }];
const press = (keys: string, gap = 100) => {
  const state: KeyState = { prefixAt: undefined };
  return [...keys].map((key, index) => keyAction(key, state, index * gap, pages));
};

describe('keys', () => {
  it('goes to a page by two keys', () => {
    expect(press('gq')).toEqual([{ type: 'wait' }, { type: 'go', path: '/queries' }]);
  });

  it('forgets the first key when the second is late or wrong', () => {
    expect(press('gq', 2000)).toEqual([{ type: 'wait' }, undefined]);
    expect(press('gxq')).toEqual([{ type: 'wait' }, undefined, undefined]);
  });

  it('knows search, help and refresh, and leaves the rest alone', () => {
    expect(press('/?rq')).toEqual([{ type: 'search' }, { type: 'help' }, { type: 'refresh' }, undefined]);
  });
});
