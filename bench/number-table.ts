import { textTable } from '../tools/text-table.ts';

/** Like `textTable`, and what begins with a digit in every row below the head stands right-aligned. */
export function numberTable(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map(row => row.length));
  const widths = Array.from({ length: columns }, (_, column) => widthOf(rows, column));
  return textTable(rows.map(row => row.map((cell, column) => cell.padStart(widths[column] ?? 0))));
}

/** The width to fill from the left; 0 for a column of words. */
function widthOf(rows: readonly (readonly string[])[], column: number): number {
  const cells = rows.map(row => row[column] ?? '');
  const isNumeric = cells.slice(1).every(cell => /^([-+]?\d|–|$)/.test(cell));
  return isNumeric ? Math.max(...cells.map(cell => cell.length)) : 0;
}
