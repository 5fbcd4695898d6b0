import { describe, expect, it } from 'vitest';
import { isPlanText, planRows } from './plan-tree.ts';

const scan = (name: string, cost: number) => ({
  'Node Type': 'Seq Scan',
  'Relation Name': name,
  Alias: name,
  'Total Cost': cost,
  'Plan Rows': 10,
  'Plan Width': 8,
});

describe('plan rows', () => {
  it('lists parents before children, each with its figures', () => {
    const plan = {
      'Node Type': 'Hash Join',
      'Join Type': 'Left',
      'Total Cost': 100,
      'Hash Cond': '(a.id = b.id)',
      Plans: [scan('a', 50), { 'Node Type': 'Hash', 'Total Cost': 30, 'Hash Batches': 4, Plans: [scan('b', 30)] }],
    };
    const figures = { ownMs: 1, ownCost: 20, share: 0.2, rows: 3, loops: 1, misestimate: null };
    const rows = planRows([{ Plan: plan }], [{ id: 0, ...figures }]);
    expect(rows.map(({ id, depth, node, target, totalCost }) => [id, depth, node, target, totalCost])).toEqual([
      [0, 0, 'Hash Left Join', '', 100],
      [1, 1, 'Seq Scan', 'on a', 50],
      [2, 1, 'Hash', '', 30],
      [3, 2, 'Seq Scan', 'on b', 30],
    ]);
    expect(rows[0]).toMatchObject({ details: [['Hash Cond', '(a.id = b.id)']], figures });
    expect(rows[2]).toMatchObject({ details: [['Hash Batches', '4']], figures: undefined });
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
    expect([null, 'x', [], {}, { Plan: 3 }, [{ Plan: {} }]].map((answer) => planRows(answer))).toEqual([
      [],
      [],
      [],
      [],
      [],
      [],
    ]);
  });
});

describe('isPlanText', () => {
  it('tells plans from statements', () => {
    for (const plan of [
      'Seq Scan on a  (cost=0.00..1.00 rows=1 width=4)',
      'Limit\n  ->  Seq Scan on a',
      '[{"Plan": {"Node Type": "Result"}}]',
      '| Sort |\n|   ->  Seq Scan on a |',
    ]) {
      expect(isPlanText(plan), plan).toBe(true);
    }
    for (const statement of ['', 'SELECT 1', "SELECT data\n  -> 'a' FROM b", 'WITH a AS (SELECT 1) TABLE a']) {
      expect(isPlanText(statement), statement).toBe(false);
    }
  });
});
