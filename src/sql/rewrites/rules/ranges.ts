import { fieldsOf, listOf, type Tree } from '../../describe/tree.ts';
import { comparisonOf, whole } from '../comparison.ts';
import { callOf, castOf, constantOf } from '../constants.ts';
import { operatorOf, type Place, type RewriteRule } from '../rule.ts';
import { columnOf, type ColumnName, knownColumn } from '../scope.ts';
import { isExpression } from '../source.ts';
import type { RewriteColumn } from '../types.ts';

/** A whole day, month or year of a column is asked for through a function, which an index on the column does not know. */
export const periodOfColumn: RewriteRule = {
  id: 'period-of-column',
  tags: ['A_Expr'],
  look(place) {
    const found = comparisonOf(place, (side) => periodOf(side) !== undefined);
    const period = found && periodOf(found.left);
    if (!found || !period || found.operator !== '=' || (place.clause !== 'where' && place.clause !== 'on'))
      return undefined;
    const known = knownColumn(period.column, place.scope, place.catalog);
    const written = rangeOf(place, found, period, known);
    return {
      severity: 'warning',
      message: `${period.shown} is computed for every row, so that an index on ${period.column.name} cannot be used`,
      advice: 'Compare the column itself with the beginning and the end of the period.',
      rewritten: written?.rewritten ?? null,
      provided: written?.provided ?? null,
    };
  },
};

type Unit = 'day' | 'month' | 'year';

interface Period {
  column: ColumnName;
  unit: Unit;
  /** It is compared with the number of the year, not with its first day. */
  numbered: boolean;
  shown: string;
}

function periodOf(side: Tree): Period | undefined {
  const cast = castOf(side);
  const castColumn = cast?.type === 'date' ? columnOf(cast.value) : undefined;
  if (castColumn) return { column: castColumn, unit: 'day', numbered: false, shown: `${castColumn.name}::date` };
  const call = callOf(side);
  const [first, second] = call?.arguments ?? [];
  if (call?.name === 'date' && call.arguments.length === 1) {
    const column = columnOf(first);
    return column && { column, unit: 'day', numbered: false, shown: `date(${column.name})` };
  }
  const column = columnOf(second);
  const unit = constantOf(first);
  if (!column || unit?.kind !== 'string' || call?.arguments.length !== 2) return undefined;
  if (call.name === 'date_trunc' && /^(?:day|month|year)$/i.test(unit.value)) {
    return {
      column,
      unit: unit.value.toLowerCase() as Unit,
      numbered: false,
      shown: `date_trunc('${unit.value}', ${column.name})`,
    };
  }
  if ((call.name === 'extract' || call.name === 'date_part') && /^year$/i.test(unit.value)) {
    return { column, unit: 'year', numbered: true, shown: `extract(year FROM ${column.name})` };
  }
  return undefined;
}

function rangeOf(
  { source }: Place,
  { right, spans }: NonNullable<ReturnType<typeof comparisonOf>>,
  { column, unit, numbered, shown }: Period,
  known: RewriteColumn | undefined,
): { rewritten: string; provided: string | null } | undefined {
  const start = firstDay(right, unit, numbered);
  if (!spans || start === undefined) return undefined;
  const name = columnText(source.slice(spans.left), column);
  if (name === undefined || /^(?:time|timetz|interval|text|varchar)$/.test(known?.type ?? '')) return undefined;
  const isDate = known?.type === 'date';
  const range = `(${name} >= DATE '${start}' AND ${name} < DATE '${next(start, unit)}')`;
  const provided =
    known?.type === 'timestamp' || (isDate && !shown.includes('date_trunc'))
      ? null
      : known === undefined
        ? `${column.name} is a date or timestamp, and days of the session’s time zone begin at midnight`
        : 'days of the session’s time zone begin at midnight';
  return { rewritten: source.replaced({ ...whole(spans), by: range }), provided };
}

/** The column as it stands within the function's call or the cast. */
function columnText(text: string, { qualifier, name }: ColumnName): string | undefined {
  const pattern = /(?:"(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*)(?:\s*\.\s*(?:"(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*))?/gu;
  const wanted = qualifier === undefined ? [name] : [qualifier, name];
  const ref = { ColumnRef: { fields: wanted.map((sval) => ({ String: { sval } })) } };
  return [...text.matchAll(pattern)].map(([piece]) => piece).findLast((piece) => isExpression(piece, ref));
}

/** The first day of the period that is asked for, where it is written as a literal. */
function firstDay(right: Tree, unit: Unit, numbered: boolean): string | undefined {
  const cast = castOf(right);
  if (cast && !/^(?:date|timestamp)$/.test(cast.type)) return undefined;
  const value = constantOf(cast?.value ?? right);
  if (numbered) {
    const year = value?.kind === 'integer' ? value.value : 0;
    return year >= 1000 && year < 9999 ? `${year}-01-01` : undefined;
  }
  const day = value?.kind === 'string' ? /^(\d{4}-\d{2}-\d{2})(?: 00:00(?::00)?)?$/.exec(value.value)?.[1] : undefined;
  if (day === undefined || Number.isNaN(Date.parse(day)) || day < '1000' || day > '9998') return undefined;
  const begins = unit === 'day' || (unit === 'month' ? day.endsWith('-01') : day.endsWith('-01-01'));
  return begins ? day : undefined;
}

function next(day: string, unit: Unit): string {
  const date = new Date(`${day}T00:00:00Z`);
  if (unit === 'day') date.setUTCDate(date.getUTCDate() + 1);
  if (unit === 'month') date.setUTCMonth(date.getUTCMonth() + 1);
  if (unit === 'year') date.setUTCFullYear(date.getUTCFullYear() + 1);
  return date.toISOString().slice(0, 10);
}

/** BETWEEN two days leaves out all of the last day but its first instant, where the column has a time. */
export const betweenDays: RewriteRule = {
  id: 'between-days',
  tags: ['A_Expr'],
  look({ fields, scope, catalog }) {
    if (operatorOf(fields, 'AEXPR_BETWEEN') === undefined) return undefined;
    const column = columnOf(fields['lexpr']);
    const known = knownColumn(column, scope, catalog);
    const bounds = listOf(fieldsOf(fields['rexpr'], 'List')?.['items']);
    const last = constantOf(castOf(bounds[1])?.value ?? bounds[1]);
    if (!column || last?.kind !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(last.value)) return undefined;
    if (known && !known.type.startsWith('timestamp')) return undefined;
    return {
      severity: known ? 'warning' : 'info',
      message: `BETWEEN … AND '${last.value}' ends with the first instant of that day${known ? '' : `, if ${column.name} has a time`}`,
      advice: `Write ${column.name} >= first day AND ${column.name} < the day after the last.`,
      rewritten: null,
      provided: null,
    };
  },
};
