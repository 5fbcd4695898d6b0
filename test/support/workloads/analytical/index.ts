import { filledBy, indexOn, runAll, type WorkloadSchema } from '../types.ts';
import { queries } from './queries.ts';
import { fillings, keys, sizeAt, tables } from './schema.ts';

/** A wholesaler's eight tables and 22 questions, in the manner of TPC-H, with skew and with columns that depend on each other. */
export const analytical: WorkloadSchema = {
  name: 'analytical',
  make: filledBy(async (client, scale) => {
    await client.query(tables);
    for (const filling of fillings(sizeAt(scale))) await runAll(client, ['SELECT setseed(0.42)', filling]);
    await runAll(client, [...keys, 'VACUUM (ANALYZE)']);
  }),
  queries,
  indexes: [
    indexOn('lines', ['shipped_on']),
    indexOn('lines', ['shipped_on'], { method: 'brin' }),
    indexOn('lines', ['good_id']),
    indexOn('lines', ['good_id', 'maker_id', 'shipped_on'], { include: ['quantity'] }),
    indexOn('lines', ['maker_id']),
    indexOn('lines', ['maker_id', 'shipped_on']),
    indexOn('lines', ['returned']),
    indexOn('lines', ['carrier', 'received_on']),
    indexOn('lines', ['received_on'], { where: `carrier IN ('pickup', 'ship')` }),
    indexOn('lines', ['good_id'], { method: 'hash' }),
    indexOn('purchases', ['buyer_id']),
    indexOn('purchases', ['placed_on']),
    indexOn('purchases', ['placed_on', 'state']),
    indexOn('purchases', ['state', 'placed_on']),
    indexOn('purchases', ['placed_on'], { where: `state = 'P'` }),
    indexOn('purchases', [{ expression: 'total', descending: true }]),
    indexOn('purchases', ['urgency']),
    indexOn('purchases', ['clerk']),
    indexOn('goods', ['brand', 'packaging', 'size']),
    indexOn('goods', ['size', 'kind']),
    indexOn('goods', ['name']),
    indexOn('goods', ['kind']),
    indexOn('offers', ['maker_id']),
    indexOn('offers', ['maker_id', 'good_id'], { include: ['cost', 'stock'] }),
    indexOn('buyers', ['branch']),
    indexOn('buyers', ['phone']),
    indexOn('buyers', [{ expression: '(substring(phone FROM 1 FOR 2))' }, 'balance']),
    indexOn('buyers', [{ expression: 'phone', operatorClass: 'text_pattern_ops' }]),
    indexOn('makers', ['land_id']),
    indexOn('makers', ['name']),
  ],
};
