import { promiseTexts } from '../checker/violation.ts';
import { judge, type RunResult } from './run-result.ts';
import { formatExploration } from './table.ts';

/** A row for people: how far it came, and for a violation the promise, the sentence, the steps, and how to see it again. */
export function formatExplored(result: RunResult): string {
  const { scenario, subject, adapter, processes, callers, expected, verdict, exploration, durationMs, reason } = result;
  const counts = exploration === undefined ? '' : `, ${formatExploration(exploration, durationMs)}`;
  const must = judge(result) === 'failed' ? ` - must be ${expected}` : expected === 'violated' ? ', as it must be' : '';
  const why = reason === undefined ? '' : ` (${reason})`;
  const shown = verdict === 'unknown' ? why : `${must}${why}`;
  const lines = [
    `${scenario}, ${subject} on ${adapter}, ${processes} clients, ${callers} callers${counts}: ${verdict}${shown}`,
  ];
  const [first] = result.violations;
  if (first === undefined || exploration?.trace === undefined) return lines.join('\n');
  lines.push(
    `  ${first.promise} (${promiseTexts[first.promise]}): ${first.sentence}`,
    ...exploration.trace.split('\n').map((line) => `  ${line}`),
    `  again: ${result.reproduce}`,
  );
  return lines.join('\n');
}
