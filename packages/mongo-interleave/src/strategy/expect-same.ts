import { InterleaveError } from '../interleave-error.ts';
import type { Execution } from '../run/execution.ts';
import { findDifference } from '../run/find-difference.ts';
import { linesOf } from '../run/format-run.ts';
import type { RunResult } from '../run/result.ts';
import type { Runner } from '../run/runner.ts';
import { replay } from './replay.ts';

const GENERATED = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z|\b[0-9a-f]{24}\b/g;

/**
 * Runs a schedule a second time and compares. UUIDs, ObjectIds and times may differ, and nothing else.
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
  const [before, now] = [linesOf(result), linesOf(await runner.judge(again))];
  const line = before.findIndex((text, index) => !isSame(text, now[index]));
  if (line !== -1)
    throw nondeterministic(`The first run of ${token} shows "${before[line]}", the second run shows "${now[line]}".`);
  const difference = findDifference(execution.steps, again.steps);
  if (difference !== undefined)
    throw nondeterministic(
      `The two runs of ${token} differ in ${difference.what} at "${before[difference.step + 1]}".`,
    );
}

const isSame = (one: string, other = ''): boolean =>
  one.replaceAll(GENERATED, '...') === other.replaceAll(GENERATED, '...');

const nondeterministic = (message: string, options?: ErrorOptions): InterleaveError =>
  new InterleaveError('nondeterministic', `${message} Something other than the schedule influences the flow.`, options);
