import { styleText } from 'node:util';
import { formatExploration } from './explored.ts';
import { judge, type RunResult } from './run-result.ts';

const headers = [
  'scenario',
  'subject',
  'adapter',
  'procs',
  'callers',
  'outcomes (p50/p99 ms)',
  'used',
  'wasted',
  'conflicts',
  'verdict',
];
const RIGHT_ALIGNED = new Set(['procs', 'callers', 'used', 'wasted', 'conflicts']);

/** One line a run. Colours only where the terminal shows them. */
export function formatTable(results: readonly RunResult[]): string {
  const rows = results.map((result) => [
    result.scenario,
    result.subject,
    result.adapter,
    String(result.processes),
    String(result.callers),
    result.exploration === undefined ? formatOutcomes(result) : formatExploration(result, result.exploration),
    String(result.backupsUsed),
    String(result.backupsWasted),
    String(result.contention.conflicts),
    result.verdict,
  ]);
  const widths = headers.map((header, column) =>
    Math.max(header.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const formatRow = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return RIGHT_ALIGNED.has(headers[column] ?? '') ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  const lines = results.map((result, index) => colour(result, formatRow(rows[index] ?? [])));
  return [styleText('bold', formatRow(headers)), ...lines].join('\n');
}

function formatOutcomes({ outcomes }: RunResult): string {
  return Object.entries(outcomes)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, { count, p50Ms, p99Ms }]) => `${count} ${kind} ${p50Ms.toFixed(0)}/${p99Ms.toFixed(0)}`)
    .join(', ');
}

function colour(result: RunResult, line: string): string {
  const judgement = judge(result);
  const asIt = result.expected === 'violated' && judgement === 'passed' ? ', as it must be' : '';
  const wrong = judgement === 'failed' ? ` - must be ${result.expected}` : '';
  const why = result.reason === undefined ? '' : ` (${result.reason})`;
  return styleText(
    judgement === 'passed' ? 'green' : judgement === 'failed' ? 'red' : 'yellow',
    `${line}${asIt}${wrong}${why}`,
  );
}
