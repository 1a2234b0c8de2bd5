/** A column of a table: what stands above it, and at which side its cells stand. */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Default: that of the widest cell. */
  readonly width?: number;
}

/** The lines of a table, the titles first; columns are two blanks apart. */
export function alignColumns(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map(({ title, width }, index) =>
    Math.max(title.length, width ?? 0, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  return [columns.map(({ title }) => title), ...rows].map((cells) =>
    cells
      .map((cell, index) => {
        const width = widths[index] ?? 0;
        return columns[index]?.align === 'right' ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}
