import { styleText } from 'node:util';
import { alignColumns, type Column } from './align.ts';
import { formatExploration, formatVerdict } from './explored.ts';
import { judgeRow, type Row, type StormFigures } from './row.ts';

const COLOURS = { passed: 'green', failed: 'red', unknown: 'yellow' } as const;

/** One line a row. Colours only where the terminal shows them. */
export function formatTable(rows: readonly Row[]): string {
  const further = [...new Set(rows.flatMap(({ storm }) => Object.keys(storm?.columns ?? {})))];
  const columns: readonly Column[] = [
    { title: 'scenario' },
    { title: 'flow' },
    { title: 'deployment' },
    { title: 'procs', align: 'right' },
    { title: 'callers', align: 'right' },
    { title: 'answers (p50/p99 ms)' },
    ...further.map((title): Column => ({ title, align: 'right' })),
    { title: 'conflicts', align: 'right' },
    { title: 'verdict' },
  ];
  const [heading = '', ...lines] = alignColumns(
    columns,
    rows.map((row) => cellsOf(row, further)),
  );
  return [
    styleText('bold', heading),
    ...lines.map((line, index) => {
      const row = rows[index];
      return row === undefined ? line : styleText(COLOURS[judgeRow(row)], line);
    }),
  ].join('\n');
}

const cellsOf = (row: Row, further: readonly string[]): string[] => {
  const { trial, processes, callers, storm, exploration } = row;
  return [
    scenarioOf(row),
    trial.flow,
    trial.deployment,
    String(processes),
    String(callers),
    exploration === undefined ? formatAnswers(storm) : formatExploration(row, exploration),
    ...further.map((name) => String(storm?.columns[name] ?? '')),
    String(storm?.contention.conflicts ?? ''),
    formatVerdict(row),
  ];
};

/** With what goes wrong in it. */
const scenarioOf = ({ trial, storm }: Row): string =>
  [trial.scenario, ...(storm?.rounds?.faults.map(({ kind }) => kind) ?? [])].join(' + ');

const formatAnswers = ({ answers }: Pick<StormFigures, 'answers'> = { answers: {} }): string =>
  Object.entries(answers)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, { count, p50Ms, p99Ms }]) =>
      p50Ms === undefined || p99Ms === undefined
        ? `${count} ${kind}`
        : `${count} ${kind} ${p50Ms.toFixed(0)}/${p99Ms.toFixed(0)}`,
    )
    .join(', ');
