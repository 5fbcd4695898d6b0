import pg from 'pg';

const int8 = 20;
const numeric = 1700;

/**
 * Counters come as JavaScript numbers: int8 and numeric are parsed as such. Values that need all 64 bits (query ids) are
 * cast to text in SQL.
 */
export const valueParsers: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === int8 || oid === numeric ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
};
