import { styleText } from 'node:util';
import { alignColumns, type Column } from '../report/align.ts';
import { STRATEGIES, type Detection, type DetectionRow, type Strategy } from './detection.ts';

const TITLES: Readonly<Record<Strategy, string>> = {
  storm: 'storm',
  random: 'random',
  pct: 'PCT',
  exhaustive: 'exhaustive',
  crash: 'crash grid',
};
const CELL_WIDTH = 13;

/** The lines of the detection table, which are shown one by one. */
export interface DetectionTable {
  readonly heading: string;
  /** As in `12 runs 0.4 s`; `-` where the defect was not seen, nothing where nobody looked. */
  readonly line: (row: DetectionRow) => string;
}

/** @param flows the names of all mutants that will have a line */
export function detectionTable(flows: readonly string[]): DetectionTable {
  const columns: readonly Column[] = [
    { title: 'flow', width: Math.max(0, ...flows.map(({ length }) => length)) },
    { title: 'breaks' },
    { title: 'depth', align: 'right' },
    ...STRATEGIES.map((strategy): Column => ({ title: TITLES[strategy], align: 'right', width: CELL_WIDTH })),
  ];
  const [heading = ''] = alignColumns(columns, []);
  return {
    heading: styleText('bold', heading),
    line: ({ flow, breaks, depth, by }) => {
      const cells = STRATEGIES.map((strategy) => formatCell(by[strategy]));
      return alignColumns(columns, [[flow, breaks.join(' '), String(depth), ...cells]])[1] ?? '';
    },
  };
}

function formatCell(detection: Detection | null | undefined): string {
  if (detection === undefined) return '';
  if (detection === null) return '-';
  return `${detection.runs} ${detection.seconds.toFixed(1)} s`;
}
