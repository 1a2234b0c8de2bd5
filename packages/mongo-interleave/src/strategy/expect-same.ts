import { InterleaveError } from '../interleave-error.ts';
import type { Execution } from '../run/execution.ts';
import { findDifference } from '../run/find-difference.ts';
import { formatStep, formatVerdict } from '../run/format-run.ts';
import type { RunResult } from '../run/result.ts';
import type { Runner } from '../run/runner.ts';
import { endOf, keyOf } from './failure-key.ts';
import { replay } from './replay.ts';

/**
 * Runs a schedule a second time and compares what was decided: the steps (see {@link findDifference}), how each client ended, and the
 * verdict with its failure. Values that decide nothing may differ, such as times, random tokens and generated ids.
 *
 * @throws InterleaveError `nondeterministic`, with the first difference
 */
export async function expectSame<T>(
  { execution, result }: { readonly execution: Execution<T>; readonly result: RunResult<T> },
  runner: Runner<T>,
): Promise<void> {
  const { token } = result;
  let again: Execution<T>;
  try {
    again = await replay(runner, token);
  } catch (error) {
    if (!(error instanceof InterleaveError) || error.code !== 'diverged') throw error;
    throw nondeterministic(`${token} could not be run a second time: ${error.message}`, { cause: error });
  }
  const difference = firstDifference({ execution, result }, { execution: again, result: await runner.judge(again) });
  if (difference === undefined) return;
  const [before, now] = difference;
  throw nondeterministic(
    before === now
      ? `The two runs of ${token} differ at "${before}", in a value that is not shown.`
      : `The first run of ${token} shows "${before}", the second run shows "${now}".`,
  );
}

interface JudgedRun<T> {
  readonly execution: Execution<T>;
  readonly result: RunResult<T>;
}

/** What the first and the second run show where they differ. */
function firstDifference<T>(one: JudgedRun<T>, other: JudgedRun<T>): readonly [string, string] | undefined {
  const both = <R>(read: (run: JudgedRun<T>) => R): readonly [R, R] => [read(one), read(other)];
  const difference = findDifference(one.execution.steps, other.execution.steps);
  if (difference !== undefined) return both(({ result }) => lineOf(result, difference.step));
  const { outcomes } = other.result;
  const client = one.result.outcomes.findIndex((before, index) => {
    const now = outcomes[index];
    return now !== undefined && endOf(before, outcomes.length) !== endOf(now, outcomes.length);
  });
  if (client !== -1) return both(({ result }) => result.endings[client] ?? '');
  const [before, now] = both(({ result }) => keyOf(result));
  return before === now ? undefined : both(({ result }) => formatVerdict(result));
}

const lineOf = <T>({ trace }: RunResult<T>, step: number): string => {
  const found = trace[step];
  return found === undefined ? 'the end' : formatStep(found, step);
};

const nondeterministic = (message: string, options?: ErrorOptions): InterleaveError =>
  new InterleaveError('nondeterministic', `${message} Something other than the schedule influences the flow.`, options);
