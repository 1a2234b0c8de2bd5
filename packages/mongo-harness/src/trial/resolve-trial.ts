import { createProgramFlow, type RunnableFlow } from '../exec/program-flow.ts';
import { isProgram } from '../system/flow.ts';
import type { JudgedStates } from '../system/judged-states.ts';
import type { Scenario } from '../system/scenario.ts';
import type { Deployment, System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { everyFlowOf } from './flows-of.ts';
import { getNamed } from './get-named.ts';
import type { Trial } from './trial.ts';
import { UsageError } from './usage-error.ts';

/** What the names of a trial stand for. */
export interface ResolvedTrial<T extends SystemTypes> {
  readonly flow: RunnableFlow<T>;
  readonly scenario: Scenario<T>;
  readonly deployment: Deployment<T>;
  readonly judged: JudgedStates;
}

/** @throws UsageError where a name is unknown */
export const resolveTrial = <T extends SystemTypes>(
  system: System<T>,
  trial: Pick<Trial, 'flow' | 'exec' | 'execFresh' | 'scenario' | 'deployment' | 'judged'>,
): ResolvedTrial<T> => {
  const flow = resolveFlow(system, trial);
  return {
    flow,
    scenario: getNamed('scenario', system.scenarios, trial.scenario),
    deployment: getNamed('deployment', system.deployments, trial.deployment),
    judged: trial.judged ?? flow.judged ?? 'every-commit',
  };
};

/** @throws UsageError where the name is unknown, or a command is given and no flow is a program */
export function resolveFlow<T extends SystemTypes>(
  system: System<T>,
  { flow: name, exec, execFresh = false }: Pick<Trial, 'flow' | 'exec' | 'execFresh'>,
): RunnableFlow<T> {
  const flow = getNamed('flow', everyFlowOf(system), name);
  if (!isProgram(flow)) return flow;
  if (exec === undefined) throw new UsageError(`The flow ${name} is a command of yours: give it with --exec.`);
  return createProgramFlow(system.name, flow, { command: exec, isFresh: execFresh });
}
