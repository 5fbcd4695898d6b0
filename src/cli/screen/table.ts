import { stripVTControlCharacters } from 'node:util';

export interface Column {
  title: string;
  align?: 'left' | 'right';
}

/** Aligned columns, two spaces between them; colours do not count as width. */
export function renderTable(columns: Column[], rows: string[][]): string[] {
  const cells = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => visibleWidth(row[index] ?? ''))));
  return cells.map((row) =>
    columns
      .map(({ align }, index) => pad(row[index] ?? '', widths[index] ?? 0, align ?? 'left'))
      .join('  ')
      .trimEnd(),
  );
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const filler = ' '.repeat(Math.max(0, width - visibleWidth(text)));
  return align === 'right' ? filler + text : text + filler;
}

function visibleWidth(text: string): number {
  return stripVTControlCharacters(text).length;
}
