import type { RewriteRule } from '../rule.ts';
import { columnArithmetic } from './arithmetic.ts';
import { castColumn, decimalValue } from './casts.ts';
import { wholeTable } from './changes.ts';
import { choiceOfOne, choiceOfSeveral, longInList } from './choices.ts';
import { missingCondition } from './joins.ts';
import {
  distinctGroups,
  distinctJoin,
  distinctUnion,
  everyColumn,
  havingKey,
  offsetPage,
  randomOrder,
  unboundedRead,
} from './lists.ts';
import { coalescedColumn, negatedComparison, nullComparison } from './nulls.ts';
import { caselessLike, functionOfColumn, leadingWildcard, plainLike } from './patterns.ts';
import { betweenDays, periodOfColumn } from './ranges.ts';
import { countToExist, notInSubquery, scalarSubquery } from './subqueries.ts';

export const rules: readonly RewriteRule[] = [
  missingCondition,
  wholeTable,
  notInSubquery,
  nullComparison,
  periodOfColumn,
  castColumn,
  decimalValue,
  columnArithmetic,
  coalescedColumn,
  countToExist,
  leadingWildcard,
  offsetPage,
  randomOrder,
  choiceOfSeveral,
  choiceOfOne,
  longInList,
  functionOfColumn,
  caselessLike,
  plainLike,
  betweenDays,
  negatedComparison,
  scalarSubquery,
  distinctGroups,
  distinctJoin,
  distinctUnion,
  havingKey,
  everyColumn,
  unboundedRead,
];
