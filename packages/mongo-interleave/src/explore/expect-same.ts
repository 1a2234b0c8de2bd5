import type { Executed } from '../execute-run.ts';
import { InterleaveError } from '../interleave-error.ts';
import { formatRun, type RunResult } from '../run-result.ts';
import { findDifference } from '../schedule/content.ts';
import type { Runner } from './explore.ts';

const drawn = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z|\b[0-9a-f]{24}\b/g;

/**
 * Runs a schedule again. UUIDs, ObjectIds and times may differ; nothing else.
 *
 * @throws InterleaveError `nondeterministic`, with the first difference
 */
export async function expectSame<T>(
  { executed, result }: { readonly executed: Executed<T>; readonly result: RunResult<T> },
  runner: Runner<T>,
): Promise<void> {
  const { token } = result;
  let again: Executed<T>;
  try {
    again = await runner.follow(token);
  } catch (error) {
    if (!(error instanceof InterleaveError) || error.code !== 'diverged') throw error;
    throw nondeterministic(`${token} ran once, and not again: ${error.message}`, { cause: error });
  }
  const lines = [result, await runner.judge(again)].map((one) => formatRun(one).replaceAll(drawn, '...').split('\n'));
  const [before = [], now = []] = lines;
  const line = before.findIndex((text, index) => text !== now[index]);
  if (line !== -1)
    throw nondeterministic(`${token} went "${before[line]?.trim()}", and the second time "${now[line]?.trim()}"`);
  const difference = findDifference(executed.taken, again.taken);
  if (difference !== undefined)
    throw nondeterministic(
      `${token}: ${difference.what} differs the second time in "${before[difference.step + 1]?.trim()}"`,
    );
}

const nondeterministic = (message: string, options?: ErrorOptions): InterleaveError =>
  new InterleaveError('nondeterministic', `${message}; something but the schedule decides.`, options);
