import { clientLetter } from '../gate/client-letter.ts';
import type { ClientCommand } from '../gate/held-command.ts';
import { InterleaveError, type InterleaveErrorCode } from '../interleave-error.ts';

/** After these the session can go on: the clients that hang are replaced. */
const SURVIVED: ReadonlySet<InterleaveErrorCode> = new Set([
  'never-ends',
  'watchdog',
  'blocked',
  'connection-lost',
  'diverged',
  'unscheduled',
  'withdrawn',
]);

/** Is this the fault of one run, after which the next run is as good as any? */
export const endsOneRun = (error: unknown): error is InterleaveError =>
  error instanceof InterleaveError && SURVIVED.has(error.code);

export const lateCommand = ({ client, name, body }: ClientCommand): InterleaveError => {
  const collection = body[name];
  const place = typeof collection === 'string' ? ` on ${collection}` : '';
  return new InterleaveError(
    'late-command',
    `${clientLetter(client)} sent "${name}"${place} after its flow had ended. The flow must await everything that it begins: nothing says when such a command comes.`,
  );
};
