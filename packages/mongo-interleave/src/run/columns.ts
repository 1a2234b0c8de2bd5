/** One row of a table: a label, and the text of each column in parts. A part is kept on one line if the column is wide enough. */
export interface Row {
  readonly label: string;
  readonly cells: readonly (readonly string[])[];
}

/** Longer lines are wrapped. With four clients a column then has room for a short command and its reply. */
const MAX_LINE_WIDTH = 140;
const MIN_COLUMN_WIDTH = 24;
const GAP = '   ';
const INDENT = '  ';

/** Formats rows as lines. A column is as wide as its longest text, unless the lines would become too long: then its texts are wrapped. */
export function formatColumns(rows: readonly Row[]): string[] {
  const labelWidth = Math.max(...rows.map(({ label }) => label.length));
  const columns = Math.max(...rows.map(({ cells }) => cells.length));
  const natural = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map(({ cells }) => textOf(cells[column]).length)),
  );
  const widths = shareWidth(natural, MAX_LINE_WIDTH - labelWidth - 1 - (columns - 1) * GAP.length);
  return rows.flatMap(({ label, cells }) => {
    const wrapped = widths.map((width, column) => wrap(cells[column] ?? [], width));
    const height = Math.max(...wrapped.map((lines) => lines.length), 1);
    return Array.from({ length: height }, (_, line) => {
      const texts = wrapped.map((lines, column) => (lines[line] ?? '').padEnd(widths[column] ?? 0));
      return `${(line === 0 ? label : '').padStart(labelWidth)} ${texts.join(GAP)}`.trimEnd();
    });
  });
}

const textOf = (parts: readonly string[] = []): string => parts.join(' ');

/** Narrow columns get their natural width; the others share the rest evenly. */
function shareWidth(natural: readonly number[], available: number): number[] {
  const widths = natural.map(() => 0);
  let rest = available;
  const narrowFirst = [...natural.entries()].toSorted(([, one], [, other]) => one - other);
  for (const [index, [column, width]] of narrowFirst.entries()) {
    const share = Math.max(MIN_COLUMN_WIDTH, Math.floor(rest / (natural.length - index)));
    widths[column] = Math.min(width, share);
    rest -= widths[column];
  }
  return widths;
}

/** Breaks before a part that does not fit on the line. Breaks inside a part only if the part is wider than the column. */
function wrap(parts: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const piece of parts.flatMap((part) => split(part, width - INDENT.length))) {
    const last = lines.at(-1);
    if (last === undefined) lines.push(piece);
    else if (last.length + 1 + piece.length <= width) lines[lines.length - 1] = `${last} ${piece}`;
    else lines.push(`${INDENT}${piece}`);
  }
  return lines;
}

/** Where to break a part, best first: at spaces, but not after a brace or a field's name and not before a brace; then at any space. */
const BREAKS: readonly RegExp[] = [/(?<![{:]) (?!\})/, / /];

function split(text: string, width: number, [separator, ...others]: readonly RegExp[] = BREAKS): string[] {
  if (text.length <= width) return [text];
  if (separator === undefined) return text.match(new RegExp(`.{1,${width}}`, 'gu')) ?? [];
  return text.split(separator).flatMap((word) => split(word, width, others));
}
