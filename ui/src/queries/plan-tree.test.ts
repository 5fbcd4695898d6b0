import { describe, expect, it } from 'vitest';
import { planRows } from './plan-tree.ts';

const scan = (name: string, cost: number) => ({
  'Node Type': 'Seq Scan',
  'Relation Name': name,
  Alias: name,
  'Total Cost': cost,
  'Plan Rows': 10,
  'Plan Width': 8,
});

describe('plan rows', () => {
  it('lists parents before children with what each costs by itself', () => {
    const rows = planRows([
      {
        Plan: {
          'Node Type': 'Hash Join',
          'Join Type': 'Left',
          'Total Cost': 100,
          'Hash Cond': '(a.id = b.id)',
          Plans: [scan('a', 50), { 'Node Type': 'Hash', 'Total Cost': 30, Plans: [scan('b', 30)] }],
        },
      },
    ]);
    expect(rows.map(({ depth, node, target, ownCost, share }) => [depth, node, target, ownCost, share])).toEqual([
      [0, 'Hash Left Join', '', 20, 0.2],
      [1, 'Seq Scan', 'on a', 50, 0.5],
      [1, 'Hash', '', 0, 0],
      [2, 'Seq Scan', 'on b', 30, 0.3],
    ]);
    expect(rows[0]?.details).toEqual([['Hash Cond', '(a.id = b.id)']]);
  });

  it('never makes a node cost less than nothing', () => {
    const [limit] = planRows({ Plan: { 'Node Type': 'Limit', 'Total Cost': 1, Plans: [scan('a', 500)] } });
    expect(limit).toMatchObject({ node: 'Limit', ownCost: 0, share: 0 });
  });

  it('names modes, aliases and indexes', () => {
    const rows = planRows({
      'Node Type': 'Aggregate',
      'Partial Mode': 'Finalize',
      Strategy: 'Hashed',
      'Total Cost': 10,
      Plans: [
        {
          'Node Type': 'Index Scan',
          'Parallel Aware': true,
          'Relation Name': 'orders',
          Alias: 'o',
          'Index Name': 'orders_pkey',
          'Total Cost': 9,
        },
      ],
    });
    expect(rows.map(({ node, target }) => [node, target])).toEqual([
      ['Finalize Hash Aggregate', ''],
      ['Parallel Index Scan', 'on orders o using orders_pkey'],
    ]);
  });

  it('makes nothing of what is no plan', () => {
    expect([null, 'x', [], {}, { Plan: 3 }, [{ Plan: {} }]].map(planRows)).toEqual([[], [], [], [], [], []]);
  });
});
