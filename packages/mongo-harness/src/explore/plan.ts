import { parseToken } from 'mongo-interleave';
import type { ExplorationPlace, FlowDescription } from '../system/flow.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { Expectation } from '../system/violation.ts';
import { expectedOf } from '../trial/expected-of.ts';
import { flowsOf } from '../trial/flows-of.ts';
import type { ExplorationTrial, Selection } from '../trial/trial.ts';
import { UsageError } from '../trial/usage-error.ts';

/** What the user asked for; an absent part means the default's. */
export type ExplorationSelection = Selection<ExplorationTrial>;

/**
 * The explorations that each flow names, in the order of the flows. A selection cuts them down; what none of them has is made up from
 * the selection. Pure.
 */
export function planExplorations<T extends SystemTypes>(
  system: System<T>,
  selection: ExplorationSelection,
): ExplorationTrial[] {
  const flows = flowsOf(system, selection);
  if (selection.exec !== undefined) {
    // A command is put to the test in all scenarios of its flow, also where the rest is chosen.
    const [program] = flows;
    const places = program === undefined ? [] : explorationsOf(system, program);
    const scenarios = selection.scenario === undefined ? places.map(({ scenario }) => scenario) : [selection.scenario];
    return scenarios.map((scenario) => planExploration(system, { ...selection, scenario }));
  }
  const meant = selection.flow === undefined ? flows.filter(isPromised) : flows;
  const chosen = meant.flatMap((flow) =>
    explorationsOf(system, flow)
      .filter((place) => isChosen(place, selection))
      .map((place) => toTrial(flow, place, selection)),
  );
  return chosen.length > 0 ? chosen : [planExploration(system, selection)];
}

/** Of a mutant that names no explorations nothing is promised there: only faults of storms show it. */
const isPromised = ({ expected, explorations }: FlowDescription): boolean =>
  expected === 'valid' || explorations.length > 0;

const isChosen = (place: ExplorationPlace, selection: ExplorationSelection): boolean =>
  (selection.scenario === undefined || place.scenario === selection.scenario) &&
  (selection.deployment === undefined || place.deployment === selection.deployment) &&
  (selection.callers === undefined || place.callers === selection.callers) &&
  (selection.faults === undefined || place.faults?.join() === selection.faults.join()) &&
  (selection.maxPreemptions === undefined || place.maxPreemptions === selection.maxPreemptions);

/** One exploration; what is not chosen is as in the first place of the flow. */
export function planExploration<T extends SystemTypes>(
  system: System<T>,
  selection: ExplorationSelection,
): ExplorationTrial {
  const [flow = system.flows[0]] = flowsOf(system, selection);
  const [first] = explorationsOf(system, flow);
  const { flow: _flow, exec: _exec, execFresh: _fresh, judged: _judged, ...chosen } = selection;
  const place = { ...first, ...chosen };
  return {
    ...toTrial(flow, place, selection),
    expected: expectationOf(flow, first, place, selection),
  };
}

const PAIR = 2;

/**
 * A flow that names no explorations meets a pair of callers in the first scenario that has a small form.
 *
 * @throws UsageError where there is none
 */
function explorationsOf<T extends SystemTypes>(
  { name, scenarios, deployments }: System<T>,
  { explorations }: FlowDescription,
): readonly [ExplorationPlace, ...ExplorationPlace[]] {
  const [first, ...others] = explorations;
  if (first !== undefined) return [first, ...others];
  const scenario = scenarios.find(({ gated }) => gated !== undefined);
  if (scenario === undefined)
    throw new UsageError(
      `No scenario of the system ${name} is small enough for every interleaving: give one a gated form.`,
    );
  return [{ scenario: scenario.name, deployment: deployments[0].name, callers: PAIR }];
}

/** A mutant must be caught in its place, also by more callers; elsewhere nothing is promised. */
function expectationOf(
  flow: FlowDescription,
  first: ExplorationPlace,
  place: ExplorationPlace,
  { judged }: ExplorationSelection,
): Expectation {
  if (flow.expected === 'valid') return flow.expected;
  if (!isPromised(flow)) return undefined;
  const isPlace =
    place.scenario === first.scenario &&
    place.deployment === first.deployment &&
    place.callers >= first.callers &&
    place.faults?.join() === first.faults?.join() &&
    place.maxPreemptions === undefined;
  return isPlace ? expectedOf(flow, judged) : undefined;
}

const toTrial = (
  flow: FlowDescription,
  { scenario, deployment, callers, faults, maxPreemptions }: ExplorationPlace,
  { exec, execFresh, judged }: ExplorationSelection,
): ExplorationTrial => ({
  flow: flow.name,
  ...(exec === undefined ? {} : { exec }),
  ...(execFresh === undefined ? {} : { execFresh }),
  scenario,
  deployment,
  expected: isPromised(flow) ? expectedOf(flow, judged) : undefined,
  ...(judged === undefined ? {} : { judged }),
  callers,
  ...(faults === undefined ? {} : { faults }),
  ...(maxPreemptions === undefined ? {} : { maxPreemptions }),
});

/** How many callers a schedule names, where nobody says how many there are. @throws InterleaveError `invalid-token` */
export function callersIn<T extends SystemTypes>(
  { scenarios }: System<T>,
  token: string,
  scenario: string | undefined,
): number {
  const clients = 1 + Math.max(0, ...parseToken(token).map(({ client }) => client));
  const hasOperator = scenarios.find(({ name }) => name === scenario)?.hasOperator === true;
  return Math.max(1, clients - (hasOperator ? 1 : 0));
}
