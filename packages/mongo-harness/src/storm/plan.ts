import { seededRandom } from 'mongo-interleave';
import { isMutant, type AnyFlow, type FaultPlace, type FlowDescription, type StormPlace } from '../system/flow.ts';
import type { Scenario, StormPlan } from '../system/scenario.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { Expectation } from '../system/violation.ts';
import { expectedOf } from '../trial/expected-of.ts';
import { canOperate, expectOperator } from '../trial/expect-operator.ts';
import { flowsOf } from '../trial/flows-of.ts';
import { getNamed } from '../trial/get-named.ts';
import { resolveTrial } from '../trial/resolve-trial.ts';
import { DEFAULT_ROUND_MS, type Rounds, type Selection, type StormTrial } from '../trial/trial.ts';
import { UsageError } from '../trial/usage-error.ts';

/** What the user asked for; only the seed must be there. */
export type StormSelection = Selection<StormTrial> & Pick<StormTrial, 'seed'>;

/**
 * The storms that each flow names, in the order of the flows. A selection cuts them down; what none of them has is made up from the
 * selection. Pure.
 *
 * @throws UsageError where a name is unknown, or a scenario has no large form: before the first storm, whose result would be lost
 */
export function planStorms<T extends SystemTypes>(system: System<T>, selection: StormSelection): StormTrial[] {
  const { scenario, deployment, processes } = selection;
  // A place that is named in full is the one without faults: those are named too, by --fault.
  const isNamed = scenario !== undefined && deployment !== undefined && processes !== undefined;
  const isChosen = (place: StormPlace): boolean =>
    !(isNamed && place.faults !== undefined) &&
    (scenario === undefined || place.scenario === scenario) &&
    (deployment === undefined || place.deployment === deployment) &&
    (processes === undefined || (place.processes ?? 1) === processes);
  const chosen = flowsOf(system, selection).flatMap((flow) =>
    placesOf(system, flow, selection)
      .filter(isChosen)
      .map((place) => toTrial(flow, place, selection, expectedOf(flow, selection.judged))),
  );
  const trials = chosen.length > 0 ? chosen : makeUp(system, selection);
  for (const trial of trials) {
    const { flow: resolved, scenario: named } = resolveTrial(system, trial);
    largeFormOf(system, trial.scenario);
    expectOperator(resolved, named);
  }
  return trials;
}

/** Storms that go on take the time that they are given: without a flow's name, few flows are put through them. */
function placesOf<T extends SystemTypes>(
  { flows: [first] }: System<T>,
  flow: AnyFlow<T>,
  { rounds, flow: name, exec }: StormSelection,
): readonly StormPlace[] {
  if (rounds === undefined) return flow.storms;
  const isMeant = flow === first || name !== undefined || exec !== undefined;
  return flow.longStorms ?? (isMeant ? flow.storms : []);
}

function makeUp<T extends SystemTypes>(system: System<T>, selection: StormSelection): StormTrial[] {
  const { flow, exec, processes = 1, deployment = system.deployments[0].name } = selection;
  const isNamed = flow !== undefined || exec !== undefined;
  const isLong = selection.rounds !== undefined;
  const meant = selection.scenario === undefined ? {} : getNamed('scenario', system.scenarios, selection.scenario);
  const flows = flowsOf(system, selection).filter(
    (one) => isNamed || (canOperate(one, meant) && (isLong ? one === system.flows[0] : !isMutant(one))),
  );
  const fitting = (one: AnyFlow<T>): string[] =>
    system.scenarios.filter((each) => each.storm !== undefined && canOperate(one, each)).map(({ name }) => name);
  const ofFlow = (one: AnyFlow<T>): string[] => [
    ...new Set([...placesOf(system, one, selection), ...faultPlacesOf(one)].map((place) => place.scenario)),
  ];
  return flows.flatMap((one) => {
    const names =
      selection.scenario === undefined
        ? exec === undefined && !isLong
          ? fitting(one)
          : ofFlow(one)
        : [selection.scenario];
    return names.map((scenario) => {
      const place = { scenario, deployment, processes };
      return toTrial(one, place, selection, expectationOf(one, place, selection));
    });
  });
}

/** Where a mutant has its storms with faults. */
const faultPlacesOf = <T extends SystemTypes>(flow: AnyFlow<T>): readonly FaultPlace[] =>
  isMutant(flow) ? (flow.faultStorms ?? []) : [];

/** A mutant need not be caught where its author does not say so. */
const expectationOf = (
  flow: FlowDescription,
  { scenario, deployment }: StormPlace,
  { judged }: StormSelection,
): Expectation =>
  flow.expected === 'valid' ||
  flow.storms.some((place) => place.scenario === scenario && place.deployment === deployment)
    ? expectedOf(flow, judged)
    : undefined;

/** Until each fault had its turn, and one after the other. */
const EVERY_MS = 1_000;

const roundsOf = ({ faults }: StormPlace): Rounds | undefined =>
  faults === undefined ? undefined : { forMs: 1, faults, everyMs: EVERY_MS, roundMs: DEFAULT_ROUND_MS, goOn: false };

const toTrial = (
  { name }: FlowDescription,
  place: StormPlace,
  { exec, judged, size = {}, seed, maxConcurrency, rounds = roundsOf(place) }: StormSelection,
  expected: Expectation,
): StormTrial => ({
  flow: name,
  ...(exec === undefined ? {} : { exec }),
  scenario: place.scenario,
  deployment: place.deployment,
  expected,
  ...(judged === undefined ? {} : { judged }),
  processes: place.processes ?? 1,
  size,
  seed,
  ...(maxConcurrency === undefined ? {} : { maxConcurrency }),
  ...(rounds === undefined ? {} : { rounds }),
});

/** The start state and the calls of a storm: the same for the same seed and sizes. @throws UsageError where there is no large form */
export const planCalls = <T extends SystemTypes>(
  system: System<T>,
  { scenario, size, seed }: Pick<StormTrial, 'scenario' | 'size' | 'seed'>,
): StormPlan<T> => largeFormOf(system, scenario)(size, seededRandom(seed));

function largeFormOf<T extends SystemTypes>({ scenarios }: System<T>, name: string): NonNullable<Scenario<T>['storm']> {
  const { storm } = getNamed('scenario', scenarios, name);
  if (storm === undefined) throw new UsageError(`The scenario ${name} has no storm; explore runs it.`);
  return storm;
}
