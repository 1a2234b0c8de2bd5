import { parseToken } from 'mongo-interleave';
import { adapters } from '../adapters.ts';
import { knownBad, references, subjects } from '../subjects/index.ts';
import type { KnownBadSubject } from '../subjects/subject.ts';
import type { PlannedExploration } from './explore-race.ts';
import { pairScenarios } from './scenarios/index.ts';

/** What the user asked for; an absent part means the default profile's. */
export interface RaceSelection {
  readonly scenario?: string;
  readonly subject?: string;
  readonly adapter?: string;
  readonly callers?: number;
}

const PAIR = 2;

/**
 * The default profile: the reference through each adapter, coalescing and bare; then every known-bad flow. A selection cuts it
 * down; what the profile does not have is made up from the selection.
 */
export function planExplorations(selected: RaceSelection): PlannedExploration[] {
  const chosen = defaultProfile().filter(
    (race) =>
      (selected.scenario === undefined || race.scenario.name === selected.scenario) &&
      (selected.subject === undefined || race.subject.name === selected.subject) &&
      (selected.adapter === undefined || race.adapter === selected.adapter) &&
      (selected.callers === undefined || race.callers === selected.callers),
  );
  return chosen.length > 0 ? chosen : [planOne(selected)];
}

function defaultProfile(): PlannedExploration[] {
  return [
    ...[...adapters.keys()].flatMap((adapter) =>
      references.map((subject) => planOne({ scenario: 'same-key', subject: subject.name, adapter, callers: PAIR })),
    ),
    ...['two-keys', 'two-keys-one-backup', 'chain'].map((scenario) =>
      planOne({ scenario, subject: 'reference-bare', adapter: 'keypool', callers: PAIR }),
    ),
    ...knownBad.map((subject) => planOne({ subject: subject.name, ...placeOf(subject) })),
  ];
}

/** One exploration; what is not chosen is where the flow must be caught, or two callers of one key. */
export function planOne(selected: RaceSelection): PlannedExploration {
  const subject = get(subjects, selected.subject ?? 'reference');
  const bad = knownBad.find(({ name }) => name === subject.name);
  const place = placeOf(bad);
  const { scenario = place.scenario, adapter = place.adapter, callers = place.callers } = selected;
  const isPlace = scenario === place.scenario && adapter === place.adapter && callers >= place.callers;
  return {
    scenario: get(pairScenarios, scenario),
    subject,
    adapter,
    callers,
    expected: bad === undefined ? 'valid' : isPlace ? 'violated' : undefined,
  };
}

const placeOf = (subject: KnownBadSubject | undefined): Required<NonNullable<KnownBadSubject['explored']>> => ({
  scenario: 'same-key',
  adapter: 'keypool',
  callers: PAIR,
  ...subject?.explored,
});

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

function get<T>(map: ReadonlyMap<string, T>, name: string): T {
  const found = map.get(name);
  if (found === undefined) throw new TypeError(`there is no ${name}; there are ${[...map.keys()].join(', ')}`);
  return found;
}
