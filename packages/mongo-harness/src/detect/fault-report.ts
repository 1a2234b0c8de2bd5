import { styleText } from 'node:util';
import { alignColumns, type Column } from '../report/align.ts';
import { STORM_FAULT_NAMES } from '../system/storm-fault.ts';
import type { FaultRow, FaultStorm } from './by-fault.ts';

const VIOLATED_WIDTH = 'in 20 of 20'.length;
const SECONDS_WIDTH = '60.0 s'.length;

/** The lines of the table of faults, which are shown one by one. */
export interface FaultTable {
  readonly heading: string;
  /** As in `w1  I5  rollback  in 20 of 20  20  11.0 s  14.2 s`. */
  readonly line: (row: FaultRow) => string;
}

/** @param storms all that will have a line */
export function faultTable(storms: readonly FaultStorm[]): FaultTable {
  const columns: readonly Column[] = [
    { title: 'flow', width: Math.max(0, ...storms.map(({ flow }) => flow.length)) },
    { title: 'breaks', width: Math.max(0, ...storms.map(({ breaks = [] }) => breaks.join(' ').length)) },
    { title: 'fault', width: Math.max(...STORM_FAULT_NAMES.map(({ length }) => length)) },
    { title: 'violated', align: 'right', width: VIOLATED_WIDTH },
    { title: 'rounds', align: 'right' },
    { title: 'faults hit', align: 'right' },
    { title: 'median', align: 'right', width: SECONDS_WIDTH },
    { title: 'max', align: 'right', width: SECONDS_WIDTH },
    { title: '' },
  ];
  const [heading = ''] = alignColumns(columns, []);
  return {
    heading: styleText('bold', heading),
    line: ({ flow, breaks = [], place, tries, violated, rounds, hit, firstViolationMs, reasons }) =>
      alignColumns(columns, [
        [
          flow,
          breaks.join(' '),
          place.fault,
          `in ${violated} of ${tries}`,
          String(rounds),
          String(hit),
          firstViolationMs === undefined ? '' : seconds(firstViolationMs.median),
          firstViolationMs === undefined ? '' : seconds(firstViolationMs.max),
          reasons.join('; '),
        ],
      ])[1] ?? '',
  };
}

const MS_PER_SECOND = 1_000;
const seconds = (durationMs: number): string => `${(durationMs / MS_PER_SECOND).toFixed(1)} s`;
