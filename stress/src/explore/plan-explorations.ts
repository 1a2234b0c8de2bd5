import { parseToken, type FaultKind } from 'mongo-interleave';
import { adapters } from '../adapters.ts';
import { getNamed } from '../get-named.ts';
import { chooseSubject, knownBad } from '../subjects/index.ts';
import type { KnownBadSubject } from '../subjects/subject.ts';
import type { PlannedExploration } from './explore-race.ts';
import { faultKindsOf } from './faults.ts';
import { pairScenarios } from './scenarios/index.ts';

/** What the user asked for; an absent part means the default profile's. */
export interface RaceSelection {
  readonly scenario?: string;
  readonly subject?: string;
  /** An external command instead of a subject. */
  readonly exec?: string;
  readonly adapter?: string;
  readonly callers?: number;
  readonly faults?: readonly FaultKind[];
  readonly preemptionLimit?: number;
}

const PAIR = 2;
/** A crash alone is met at each command already without a rival in between; the rival comes before, after, or when it is blocked. */
const CRASHES = { faults: ['crash-after'], preemptionLimit: 0 } as const;
/** Which say something about any flow. */
const PAIR_SCENARIOS = ['same-key', 'two-keys', 'two-keys-one-backup', 'chain'];

/**
 * The default profile: the reference through each adapter, coalescing and bare, alone with others and with a crash; then every
 * known-bad flow. A selection cuts it down; what the profile does not have is made up from the selection.
 */
export function planExplorations(selected: RaceSelection): PlannedExploration[] {
  if (selected.exec !== undefined) {
    const scenarios = selected.scenario === undefined ? PAIR_SCENARIOS : [selected.scenario];
    return scenarios.map((scenario) => planOne({ ...selected, scenario }));
  }
  const { scenario, subject, adapter, callers, faults, preemptionLimit } = selected;
  const chosen = defaultProfile().filter(
    (planned) =>
      (scenario === undefined || planned.scenario.name === scenario) &&
      (subject === undefined || planned.subject.name === subject) &&
      (adapter === undefined || planned.adapter === adapter) &&
      (callers === undefined || planned.callers === callers) &&
      (faults === undefined || planned.faults?.join() === faults.join()) &&
      (preemptionLimit === undefined || planned.preemptionLimit === preemptionLimit),
  );
  return chosen.length > 0 ? chosen : [planOne(selected)];
}

function defaultProfile(): PlannedExploration[] {
  const bare = (selected: RaceSelection): PlannedExploration => planOne({ subject: 'reference-bare', ...selected });
  return [
    ...[...adapters.keys()].flatMap((adapter) => [
      ...[PAIR, PAIR + 1].flatMap((callers) => [
        planOne({ subject: 'reference', adapter, callers }),
        bare({ adapter, callers }),
      ]),
      bare({ adapter, ...CRASHES }),
    ]),
    bare({ faults: CRASHES.faults }),
    ...['two-keys', 'two-keys-one-backup', 'chain'].map((scenario) => bare({ scenario })),
    planOne({ subject: 'reference', scenario: 'two-keys-one-backup' }),
    bare({ scenario: 'binding-added', callers: 1 }),
    ...['keypool', 'openhandspool'].map((adapter) => bare({ scenario: 'restore', adapter, callers: 1 })),
    bare({ scenario: 'put-back' }),
    ...knownBad.map(({ name }) => planOne({ subject: name })),
  ];
}

/** One exploration; what is not chosen is as where the flow must be caught, or else two callers of one key and nothing that goes wrong. */
export function planOne(selected: RaceSelection): PlannedExploration {
  const subject = chooseSubject(selected);
  const bad = knownBad.find(({ name }) => name === subject.name);
  const place = placeOf(bad);
  const { scenario, adapter, callers, faults, preemptionLimit } = { ...place, ...selected };
  const isPlace =
    scenario === place.scenario &&
    adapter === place.adapter &&
    callers >= place.callers &&
    place.faults?.join() === faults?.join() &&
    preemptionLimit === undefined;
  return {
    scenario: getNamed(pairScenarios, scenario),
    subject,
    adapter,
    callers,
    expected: bad === undefined ? 'valid' : isPlace ? 'violated' : undefined,
    ...(faults === undefined ? {} : { faults }),
    ...(preemptionLimit === undefined ? {} : { preemptionLimit }),
  };
}

function placeOf(
  subject: KnownBadSubject | undefined,
): Required<Pick<RaceSelection, 'scenario' | 'adapter' | 'callers'>> & Pick<RaceSelection, 'faults'> {
  if (subject === undefined) return { scenario: 'same-key', adapter: 'keypool', callers: PAIR };
  const { mode, ...place } = subject.shownBy;
  const faults = faultKindsOf[mode];
  return faults.length === 0 ? place : { ...place, faults };
}

/** Why this can't be run, if it can't. */
export const misfitOf = ({ subject, scenario }: PlannedExploration): string | undefined =>
  scenario.hasOperator === true && subject.operates !== true
    ? `${subject.name} has nothing for the operator of ${scenario.name}.`
    : undefined;

/** How many callers a schedule names, where nobody says how many there are. @throws InterleaveError `invalid-token` */
export function callersIn(token: string, scenario: string | undefined): number {
  const clients = 1 + Math.max(0, ...parseToken(token).map(({ client }) => client));
  const operators = scenario !== undefined && pairScenarios.get(scenario)?.hasOperator === true ? 1 : 0;
  return Math.max(1, clients - operators);
}
