import { isProgram, type AnyFlow } from '../system/flow.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { getNamed } from './get-named.ts';
import type { Selection, Trial } from './trial.ts';
import { UsageError } from './usage-error.ts';

/** Also those of the matrix, which run only where they are named. */
export const everyFlowOf = <T extends SystemTypes>({ flows, matrix }: System<T>): readonly AnyFlow<T>[] => [
  ...flows,
  ...(matrix?.cells ?? []).map(({ flow }) => flow),
];

/** The flows that a selection means: the named one, the one that runs a command, or all that need no command. */
export function flowsOf<T extends SystemTypes>(
  system: System<T>,
  { flow, exec }: Selection<Trial>,
): readonly AnyFlow<T>[] {
  const { flows } = system;
  if (exec !== undefined) {
    const program = flows.find(isProgram);
    if (program === undefined) throw new UsageError('This system has no flow that is a program: --exec does not work.');
    return [program];
  }
  if (flow !== undefined) return [getNamed('flow', everyFlowOf(system), flow)];
  return flows.filter((one) => !isProgram(one));
}
