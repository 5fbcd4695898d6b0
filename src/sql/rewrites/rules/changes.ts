import type { RewriteRule } from '../rule.ts';
import { relationOf } from '../scope.ts';
import { isObject } from '../../describe/tree.ts';

/** UPDATE or DELETE of a whole table. */
export const wholeTable: RewriteRule = {
  id: 'whole-table-change',
  tags: ['UpdateStmt', 'DeleteStmt'],
  look({ tag, fields }) {
    if (fields['whereClause'] !== undefined) return undefined;
    const relation = isObject(fields['relation']) ? relationOf(fields['relation']) : undefined;
    const deleting = tag === 'DeleteStmt';
    return {
      severity: 'warning',
      message: `${deleting ? 'DELETE' : 'UPDATE'} without WHERE changes every row of ${relation?.table.name ?? 'the table'}`,
      advice: deleting
        ? 'If all are meant, TRUNCATE is quicker and leaves no dead rows; else add the condition.'
        : 'If all are meant, change them in batches, so that no lock is held for long; else add the condition.',
      rewritten: null,
      provided: null,
    };
  },
};
