import { styleText } from 'node:util';
import { alignColumns, type Column } from '../report/align.ts';
import type { Matrix } from '../system/matrix.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { judgeCell, type MatrixRow } from './matrix.ts';

const BROKEN = 'broken';
const COUNT_WIDTH = '99999'.length;

/** The lines of the matrix, which are shown one by one. */
export interface MatrixTable {
  readonly heading: string;
  /** As in `majority  1  on  held  broken  14 of 20  1200  20`. */
  readonly line: (row: MatrixRow) => string;
}

/** @param invariants the names that have a column; what else was broken stands at the end of a line */
export function matrixTable<T extends SystemTypes>(
  { settings, cells }: Pick<Matrix<T>, 'settings' | 'cells'>,
  invariants: readonly string[],
): MatrixTable {
  const columns: readonly Column[] = [
    ...settings.map((title, index) => ({
      title,
      width: Math.max(...cells.map(({ values }) => values[index]?.length ?? 0)),
    })),
    ...invariants.map((title) => ({ title, width: BROKEN.length })),
    { title: 'violated', align: 'right', width: '99 of 99'.length },
    { title: 'calls', align: 'right', width: COUNT_WIDTH },
    { title: 'faults hit', align: 'right' },
    { title: '' },
  ];
  const [heading = ''] = alignColumns(columns, []);
  return {
    heading: styleText('bold', heading),
    line: (row) => {
      const { values, rounds, violated, calls, hit, broken, reasons, expected } = row;
      const others = broken.filter((invariant) => !invariants.includes(invariant)).map((name) => `${name} ${BROKEN}`);
      const isUnexpected = judgeCell(row) === 'failed';
      const remarks = [...others, ...(isUnexpected ? [`must be ${expected ?? ''}`] : []), ...reasons];
      return (
        alignColumns(columns, [
          [
            ...values,
            ...invariants.map((name) => (broken.includes(name) ? BROKEN : 'held')),
            `${violated} of ${rounds}`,
            String(calls),
            String(hit),
            remarks.join('; '),
          ],
        ])[1] ?? ''
      );
    },
  };
}
