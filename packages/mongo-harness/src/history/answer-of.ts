import type { OpenFlow, Patience } from '../system/flow.ts';
import type { NoAnswer, SystemTypes } from '../system/system-types.ts';

/** What the flow answers; where it throws, that. */
export const answerOf = <T extends SystemTypes>(
  flow: OpenFlow<T>,
  caller: number,
  call: T['call'],
  patience?: Patience,
): Promise<T['answer'] | NoAnswer> =>
  flow.call(caller, call, patience).catch((error: unknown): NoAnswer => ({
    kind: 'error',
    code: 'unexpected',
    message: error instanceof Error ? error.message : String(error),
  }));
