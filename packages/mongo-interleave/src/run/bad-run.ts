import { clientLetter } from '../gate/client-letter.ts';
import type { ClientCommand } from '../gate/held-command.ts';
import { InterleaveError, type InterleaveErrorCode } from '../interleave-error.ts';
import { namedError, orElse } from './error-lines.ts';

/** After these the session can go on: the clients that hang are replaced. */
const SURVIVED: ReadonlySet<InterleaveErrorCode> = new Set([
  'never-ends',
  'watchdog',
  'blocked',
  'connection-lost',
  'diverged',
  'unscheduled',
  'withdrawn',
  // Of a client that crashed: before a run, it is thrown.
  'prepare-failed',
]);

/** Is this the fault of one run, after which the next run is as good as any? */
export const endsOneRun = (error: unknown): error is InterleaveError =>
  orElse(() => error instanceof InterleaveError && SURVIVED.has(error.code), false);

/** What a function of the user's threw, told as theirs. */
export const callbackFailed = (name: string, cause: unknown, more = ''): InterleaveError =>
  new InterleaveError('callback-failed', `${name} threw ${namedError(cause)}.${more}`, { cause });

export const lateCommand = ({ client, name, body }: ClientCommand): InterleaveError => {
  const collection = body[name];
  const place = typeof collection === 'string' ? ` on ${collection}` : '';
  return new InterleaveError(
    'late-command',
    `${clientLetter(client)} sent "${name}"${place} after its flow had ended. The flow must await everything that it begins: nothing says when such a command comes.`,
  );
};

/**
 * Calls a function of the user's that only listens, and waits for it.
 *
 * @throws InterleaveError `callback-failed`
 */
export async function tell<V>(name: string, listener: ((value: V) => unknown) | undefined, value: V): Promise<void> {
  try {
    await listener?.(value);
  } catch (error) {
    throw callbackFailed(name, error, ' That ends the search; foundBefore(error) has what was found.');
  }
}
