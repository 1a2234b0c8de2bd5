import { AFTERMATH } from '../system/aftermath.ts';
import {
  canBeginTogether,
  kindsOf,
  STORM_FAULT_NAMES,
  STORM_FAULTS,
  type FaultStep,
  type StormFault,
} from '../system/storm-fault.ts';
import { isMutant, type AnyFlow, type StormPlace } from '../system/flow.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { UsageError } from './usage-error.ts';

/**
 * The system that a module has as its default export. Worker processes load the same module, so it must not do anything else.
 *
 * @throws UsageError where the module can't be found, its default export is no system, or a name in the system stands for nothing
 */
export async function loadSystem(module: string): Promise<System<SystemTypes>> {
  const { default: system } = await importModule(module);
  if (typeof system?.name !== 'string' || typeof system.check !== 'function' || !Array.isArray(system.flows))
    throw new UsageError(`${module} has no System as its default export.`);
  const complete = system as System<SystemTypes>;
  expectNames(complete);
  return complete;
}

async function importModule(module: string): Promise<{ readonly default?: Partial<System<SystemTypes>> }> {
  try {
    return (await import(module)) as { readonly default?: Partial<System<SystemTypes>> };
  } catch (error) {
    // An import inside the module that fails is the module's own error.
    if (!(error instanceof Error && 'url' in error && error.url === module)) throw error;
    throw new UsageError(`There is no module ${module}.`);
  }
}

/** Told at once, and not when the row that uses the name is reached. */
function expectNames({ name, invariants, deployments, scenarios, flows }: System<SystemTypes>): void {
  if (!/^[a-z][a-z0-9-]*$/.test(name))
    throw new UsageError(`A system's name is lower-case letters, digits and -, not "${name}".`);
  for (const [what, all] of Object.entries({ scenario: scenarios, flow: flows, deployment: deployments })) {
    for (const { name: one } of all)
      if (!/^[A-Za-z0-9][\w.-]*$/.test(one))
        throw new UsageError(
          `The name of a ${what} is letters, digits, -, _ and ., not "${one}": it names files, too.`,
        );
    const twice = all.find(({ name: one }, index) => all.findIndex((other) => other.name === one) !== index);
    if (twice !== undefined) throw new UsageError(`In the system, two ${what}s are called ${twice.name}.`);
  }
  for (const flow of flows) {
    for (const { scenario, deployment } of placesOf(flow)) {
      expectName(`the flow ${flow.name} names the scenario`, scenario, scenarios);
      expectName(`the flow ${flow.name} names the deployment`, deployment, deployments);
    }
    for (const fault of faultsOf(flow))
      if (!Object.hasOwn(STORM_FAULTS, fault))
        throw new UsageError(
          `In the system, the flow ${flow.name} names the fault ${fault}; there are ${STORM_FAULT_NAMES.join(', ')}.`,
        );
    for (const step of stepsOf(flow))
      if (!canBeginTogether(step))
        throw new UsageError(`In the system, the flow ${flow.name} names ${step}, which can't begin together.`);
    if (!isMutant(flow)) continue;
    for (const invariant of flow.breaks)
      if (!Object.hasOwn({ ...AFTERMATH, ...invariants }, invariant))
        throw new UsageError(
          `The mutant ${flow.name} breaks ${invariant}, which is no invariant of the system ${name}.`,
        );
  }
}

const faultsOf = (flow: AnyFlow<SystemTypes>): StormFault[] => [
  ...stepsOf(flow).flatMap(kindsOf),
  ...(isMutant(flow) ? (flow.faultStorms ?? []).map(({ fault }) => fault) : []),
];

const stepsOf = (flow: AnyFlow<SystemTypes>): FaultStep[] =>
  [...flow.storms, ...(flow.longStorms ?? [])].flatMap(({ faults = [] }) => faults);

const placesOf = (flow: AnyFlow<SystemTypes>): Pick<StormPlace, 'scenario' | 'deployment'>[] => [
  ...flow.storms,
  ...(flow.longStorms ?? []),
  ...flow.explorations,
  ...(isMutant(flow) ? (flow.faultStorms ?? []) : []),
];

function expectName(what: string, name: string, all: readonly { readonly name: string }[]): void {
  if (!all.some((one) => one.name === name))
    throw new UsageError(`In the system, ${what} ${name}; there are ${all.map((one) => one.name).join(', ')}.`);
}
