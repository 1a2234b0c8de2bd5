import { formatCondition } from 'mongo-interleave';
import type { ExplorationTrial } from '../trial/trial.ts';
import { judgeRow, type ExplorationFigures, type Row } from './row.ts';

const MS_PER_SECOND = 1_000;

/**
 * As in "81 of 81 classes, 1 redundant, 82 runs, 0.9 s, complete", or, where a violation was found, with its token at the end. Before
 * that the faults of each run, and the bound on preemptions.
 */
export function formatExploration({ trial }: Row, figures: ExplorationFigures): string {
  const { classes, redundant, runs, complete, token, durationMs } = figures;
  const { faults = [], maxPreemptions }: Partial<ExplorationTrial> = 'callers' in trial ? trial : {};
  return [
    ...(faults.length === 0 ? [] : [`one ${faults.join(' or ')}`]),
    ...(maxPreemptions === undefined ? [] : [`at most ${counted(maxPreemptions, 'preemption')}`]),
    complete ? `${classes} of ${classes} classes` : counted(classes, 'class', 'classes'),
    `${redundant} redundant`,
    counted(runs, 'run'),
    `${(durationMs / MS_PER_SECOND).toFixed(1)} s`,
    ...(complete ? ['complete'] : token === undefined ? ['not complete'] : []),
    ...(token === undefined ? [] : [token]),
  ].join(', ');
}

/** A row for people: how far it came, and for a violation the invariant, the sentence, the steps, and how to see it again. */
export function formatExplored(row: Row, invariants: Readonly<Record<string, string>>): string {
  const { trial, processes, callers, exploration, violations, reproduce } = row;
  const counts = exploration === undefined ? '' : `, ${formatExploration(row, exploration)}`;
  const who = `${counted(processes, 'client')}, ${counted(callers, 'caller')}`;
  const head = `${trial.scenario}, ${trial.flow} on ${trial.deployment}, ${who}${counts}: ${formatVerdict(row)}`;
  const [first] = violations;
  if (first === undefined) return [head, ...notCovered([row])].join('\n');
  return [
    head,
    `  ${nameInvariant(invariants, first.invariant)}: ${first.sentence}`,
    ...traceLines(row),
    `  again: ${reproduce}`,
  ].join('\n');
}

/** As in `violated, as it must be`, `valid at the end - must be violated`, `unknown (nothing raced)`. */
export function formatVerdict(row: Row): string {
  const { trial, verdict, judged, reason } = row;
  const judgement = judgeRow(row);
  const expected = trial.expected === 'violated' && judgement === 'passed' ? ', as it must be' : '';
  const wrong = judgement === 'failed' ? ` - must be ${trial.expected}` : '';
  const why = reason === undefined ? '' : ` (${reason})`;
  const where = judged === 'end' && verdict !== 'unknown' ? ' at the end' : '';
  return `${verdict}${where}${expected}${wrong}${why}`;
}

/** What the complete explorations among these rows do not cover, each line once; empty if there is nothing to say. */
export function notCovered(rows: readonly Row[]): string[] {
  const conditions = rows.flatMap(({ exploration }) => (exploration?.complete === true ? exploration.conditions : []));
  const lines = [...new Set(conditions.map((condition) => `  ${formatCondition(condition)}`))];
  return lines.length === 0 ? [] : ['Not covered by "complete":', ...lines];
}

/** The steps of the schedule that broke an invariant, if the row is an exploration. */
export const traceLines = ({ exploration }: Row): string[] =>
  exploration?.trace === undefined ? [] : exploration.trace.split('\n').map((line) => `  ${line}`);

/** As in `1 class`, `2 classes`. */
export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

/** As in `J1 (a job runs once)`; what is no invariant of the system, such as `never-ends`, is named alone. */
export const nameInvariant = (invariants: Readonly<Record<string, string>>, name: string): string =>
  invariants[name] === undefined ? name : `${name} (${invariants[name]})`;
