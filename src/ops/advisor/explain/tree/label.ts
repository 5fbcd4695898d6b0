import { type PlanJson, textIn } from './json.ts';

/** A node as EXPLAIN's text form names it, with what it is on: `Index Scan using orders_pkey on orders o`. */
export function labelOf(json: PlanJson): string {
  const index = textIn(json, 'Index Name');
  const relation = textIn(json, 'Relation Name');
  const bitmapIndex = textIn(json, 'Node Type') === 'Bitmap Index Scan';
  const on = relation ?? textIn(json, 'Function Name') ?? textIn(json, 'CTE Name') ?? (bitmapIndex ? index : undefined);
  const alias = textIn(json, 'Alias');
  return [
    nameOf(json),
    ...(index !== undefined && !bitmapIndex ? [`using ${index}`] : []),
    ...(on === undefined ? [] : [`on ${on}`]),
    ...(alias !== undefined && alias !== on ? [on === undefined ? `on ${alias}` : alias] : []),
  ].join(' ');
}

function nameOf(json: PlanJson): string {
  const type = textIn(json, 'Node Type') ?? 'node';
  const mode = textIn(json, 'Partial Mode');
  const words = [
    ...(mode === undefined || mode === 'Simple' ? [] : [mode]),
    ...(json['Parallel Aware'] === true ? ['Parallel'] : []),
    ...(json['Async Capable'] === true ? ['Async'] : []),
    shownType(json, type),
    ...(json['Scan Direction'] === 'Backward' ? ['Backward'] : []),
  ];
  return words.join(' ');
}

const aggregates: Record<string, string> = {
  Sorted: 'GroupAggregate',
  Hashed: 'HashAggregate',
  Mixed: 'MixedAggregate',
};

function shownType(json: PlanJson, type: string): string {
  const strategy = textIn(json, 'Strategy') ?? '';
  if (type === 'Aggregate') return aggregates[strategy] ?? type;
  if (type === 'ModifyTable') return textIn(json, 'Operation') ?? type;
  if (type === 'SetOp') {
    return `${strategy === 'Hashed' ? 'HashSetOp' : type} ${textIn(json, 'Command') ?? ''}`.trimEnd();
  }
  const join = textIn(json, 'Join Type');
  if (join === undefined || join === 'Inner') return type;
  return type === 'Nested Loop' ? `${type} ${join} Join` : type.replace(/ Join$/, ` ${join} Join`);
}
