import { promiseTexts } from '../checker/violation.ts';
import { judge, type Explored, type RunResult } from './run-result.ts';

const MS_PER_SECOND = 1_000;

/**
 * As in "81 of 81 classes, 1 cut, 82 runs, 0.9 s, complete", or, where a violation was found, with its schedule at the end. Before that
 * what went wrong in each run, and the bound.
 */
export function formatExploration(
  { faults = [], preemptionLimit, durationMs }: RunResult,
  { classes, cut, runs, complete, token }: Explored,
): string {
  const all = complete ? ` of ${classes}` : '';
  return [
    ...(faults.length === 0 ? [] : [`one ${faults.join(' or ')}`]),
    ...(preemptionLimit === undefined ? [] : [`${preemptionLimit} preemptions`]),
    `${classes}${all} classes`,
    `${cut} cut`,
    `${runs} runs`,
    `${(durationMs / MS_PER_SECOND).toFixed(1)} s`,
    ...(complete ? ['complete'] : token === undefined ? ['not complete'] : []),
    ...(token === undefined ? [] : [token]),
  ].join(', ');
}

/** A row for people: how far it came, and for a violation the promise, the sentence, the steps, and how to see it again. */
export function formatExplored(result: RunResult): string {
  const { scenario, subject, adapter, processes, callers, expected, verdict, exploration, reason } = result;
  const counts = exploration === undefined ? '' : `, ${formatExploration(result, exploration)}`;
  const must = judge(result) === 'failed' ? ` - must be ${expected}` : expected === 'violated' ? ', as it must be' : '';
  const why = reason === undefined ? '' : ` (${reason})`;
  const shown = verdict === 'unknown' ? why : `${must}${why}`;
  const who = `${named(processes, 'client')}, ${named(callers, 'caller')}`;
  const lines = [`${scenario}, ${subject} on ${adapter}, ${who}${counts}: ${verdict}${shown}`];
  const [first] = result.violations;
  if (first === undefined) return lines.join('\n');
  lines.push(
    `  ${first.promise} (${promiseTexts[first.promise]}): ${first.sentence}`,
    ...traceLines(result),
    `  again: ${result.reproduce}`,
  );
  return lines.join('\n');
}

/** The steps of the schedule that broke a promise, if the row is an exploration. */
export const traceLines = ({ exploration }: RunResult): string[] =>
  exploration?.trace === undefined ? [] : exploration.trace.split('\n').map((line) => `  ${line}`);

const named = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
