import { InterleaveError } from '../interleave-error.ts';
import { formatRun, type RunResult } from '../run-result.ts';
import type { Runner } from './explore.ts';

const volatile = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z|\b[0-9a-f]{24}\b/g;

/**
 * Runs a schedule again. UUIDs, ObjectIds and times may differ; nothing else.
 *
 * @throws InterleaveError `nondeterministic`, with the first line that differs
 */
export async function expectSame<T>(first: RunResult<T>, { replay }: Pick<Runner<T>, 'replay'>): Promise<void> {
  let second: RunResult<T>;
  try {
    second = await replay(first.token);
  } catch (error) {
    if (!(error instanceof InterleaveError) || error.code !== 'diverged') throw error;
    throw new InterleaveError('nondeterministic', `${first.token} ran once, and not again: ${error.message}`, {
      cause: error,
    });
  }
  const [before, now] = [first, second].map((result) => formatRun(result).replaceAll(volatile, '...').split('\n'));
  const line = before?.findIndex((text, index) => text !== now?.[index]) ?? -1;
  if (line === -1 && before?.length === now?.length) return;
  throw new InterleaveError(
    'nondeterministic',
    `${first.token} went "${before?.at(line)?.trim()}", and the second time "${now?.[line]?.trim() ?? 'nothing more'}"; something but the schedule decides.`,
  );
}
