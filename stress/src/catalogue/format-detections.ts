import { styleText } from 'node:util';
import type { KnownBadSubject } from '../subjects/subject.ts';
import { strategies, type Detection, type Detections, type Strategy } from './detection.ts';

const titles: Readonly<Record<Strategy, string>> = {
  storm: 'storm',
  random: 'random',
  pct: 'PCT',
  exhaustive: 'exhaustive',
  crash: 'crash grid',
};
const CELL_WIDTH = 13;

/** The heading of the table, whose lines are shown one by one. @param subjects all that will have a line */
export const formatHeading = (subjects: readonly KnownBadSubject[]): string =>
  styleText(
    'bold',
    formatLine(subjects, ['flow', 'breaks', 'depth', ...strategies.map((strategy) => titles[strategy])]),
  );

/** As in `12 runs 0.4 s`; `-` where it was not seen, nothing where nobody looked. */
export function formatDetections(
  subjects: readonly KnownBadSubject[],
  { subject: { name, breaks, depth }, by }: Detections,
): string {
  const cells = strategies.map((strategy) => formatCell(by[strategy]));
  return formatLine(subjects, [name, breaks.join(' '), String(depth), ...cells]);
}

function formatCell(detection: Detection | null | undefined): string {
  if (detection === undefined) return '';
  if (detection === null) return '-';
  return `${detection.runs} ${detection.seconds.toFixed(1)} s`;
}

function formatLine(
  subjects: readonly KnownBadSubject[],
  [name = '', breaks = '', depth = '', ...cells]: string[],
): string {
  const nameWidth = Math.max(...subjects.map((subject) => subject.name.length));
  const padded = cells.map((cell) => cell.padStart(CELL_WIDTH));
  return [name.padEnd(nameWidth), breaks.padEnd('breaks'.length), depth.padStart('depth'.length), ...padded]
    .join('  ')
    .trimEnd();
}
