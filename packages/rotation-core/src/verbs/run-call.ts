import { RotationError } from '../errors.ts';
import { beginCall, type Call, type CallContext, type RotatorContext } from '../flow/context.ts';
import { summarize, toRotationError } from '../flow/database-error.ts';
import { describePlace, notePlace, noteSteps, type Place } from '../flow/place.ts';
import { requireDeadline, requireNotAborted, type CallOptions } from '../options.ts';

/** What is said of a verb's effect when it throws. */
export interface Consequences {
  /** Where nothing of the call was committed, or nothing that matters. */
  readonly undone: string;
  /** Where a commit had no clear reply. */
  readonly inDoubt: string;
}

/**
 * Runs one call of a verb within its deadline, and turns what it throws into a RotationError that says where the call was. The
 * promise settles at the deadline or at the signal, whatever the database does.
 *
 * @throws RotationError
 */
export async function runCall<T>(
  context: RotatorContext,
  verb: string,
  consequences: Consequences,
  options: CallOptions,
  run: (context: CallContext) => Promise<T>,
): Promise<T> {
  const deadlineMs = requireDeadline(options.deadlineMs ?? context.settings.deadlineMs);
  requireNotAborted(options.signal);
  const place: Place = {};
  const { call, end } = beginCall();
  const consequence = (): string => (call.inDoubt ? consequences.inDoubt : consequences.undone);
  const left = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const text = `${verb} was not finished within ${deadlineMs} ms: ${describeDelay(call, place)}. ${consequence()}`;
    left.reject(new RotationError('database', text));
  }, deadlineMs);
  const onAbort = (): void =>
    left.reject(
      new RotationError('aborted', `The call of ${verb} was aborted. ${consequence()}`, {
        cause: options.signal?.reason,
      }),
    );
  options.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const ran = run({
      ...context,
      db: notePlace(context.db, place),
      flow: { ...context.flow, steps: noteSteps(context.flow.steps, place) },
      call,
    });
    return await Promise.race([ran, left.promise]);
  } catch (error) {
    throw toRotationError(error, { what: verb, place, consequence: consequence(), secretIds: context.pool.secretIds });
  } finally {
    end();
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onAbort);
  }
}

function describeDelay({ lastError }: Call, place: Place): string {
  const { method } = place;
  const last = lastError === undefined ? '' : `; the last attempt failed with ${summarize(lastError)}`;
  return method === undefined
    ? `no server of the replica set answered${last}`
    : `the last command was ${describePlace(place)}${last}`;
}
