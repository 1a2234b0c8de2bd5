import { adapters } from './adapters.ts';
import { getNamed } from './get-named.ts';
import { scenarios } from './scenarios/index.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { chooseSubject, knownBad, references } from './subjects/index.ts';
import { reference, referenceBare } from './subjects/reference.ts';
import type { Subject } from './subjects/subject.ts';

/** One row of a stress run, before it has run. */
export interface PlannedRun {
  readonly scenario: Scenario;
  readonly subject: Subject;
  readonly adapter: string;
  readonly processes: number;
  /** What must come out; undefined where nothing is promised: a known-bad flow in a scenario that need not catch it. */
  readonly expected: 'valid' | 'violated' | undefined;
}

/** What the user asked for; an absent part means the default profile's. */
export interface Selection {
  readonly scenario?: string;
  readonly subject?: string;
  /** An external command instead of a subject. */
  readonly exec?: string;
  readonly adapter?: string;
  readonly processes?: number;
}

const SEVERAL_PROCESSES = 4;
const BARE: readonly string[] = ['keypool', 'mixed'];
const STORMS = ['same-key', 'many-keys', 'scarce', 'chain'];

/**
 * The default profile: the reference through each adapter, in one process and in several, coalescing and bare; then every known-bad
 * flow where it must be caught. A selection cuts it down; what the profile does not have is made up from the selection.
 */
export function planRuns(selection: Selection): PlannedRun[] {
  if (selection.exec !== undefined) return madeUp(selection);
  const chosen = defaultProfile().filter(
    (run) =>
      (selection.scenario === undefined || run.scenario.name === selection.scenario) &&
      (selection.subject === undefined || run.subject.name === selection.subject) &&
      (selection.adapter === undefined || run.adapter === selection.adapter) &&
      (selection.processes === undefined || run.processes === selection.processes),
  );
  return chosen.length > 0 ? chosen : madeUp(selection);
}

function defaultProfile(): PlannedRun[] {
  const named = (name: string): Scenario => getNamed(scenarios, name);
  const run = (scenario: string, subject: Subject, adapter: string, processes: number): PlannedRun => ({
    scenario: named(scenario),
    subject,
    adapter,
    processes,
    expected: 'valid',
  });
  return [
    ...[...adapters.keys()].flatMap((adapter) =>
      STORMS.flatMap((scenario) => [
        run(scenario, reference, adapter, 1),
        run(scenario, reference, adapter, SEVERAL_PROCESSES),
        // Slow, and the same flow: through both ways of retiring.
        ...(BARE.includes(adapter) ? [run(scenario, referenceBare, adapter, SEVERAL_PROCESSES)] : []),
      ]),
    ),
    run('late-callers', reference, 'openhandspool', SEVERAL_PROCESSES),
    run('late-callers', referenceBare, 'keypool', SEVERAL_PROCESSES),
    run('poisoned-backup', reference, 'keypool', SEVERAL_PROCESSES),
    ...knownBad.flatMap((subject) =>
      subject.caughtBy.map(({ scenario, adapter }) => ({
        scenario: named(scenario),
        subject,
        adapter,
        processes: 1,
        expected: 'violated' as const,
      })),
    ),
  ];
}

function madeUp({ scenario, subject, exec, adapter = 'keypool', processes = 1 }: Selection): PlannedRun[] {
  // Other scenarios begin with what only the reference, or an old flow, has written.
  const all = exec === undefined ? [...scenarios.keys()] : STORMS;
  const chosenScenarios = (scenario === undefined ? all : [scenario]).map((name) => getNamed(scenarios, name));
  const isChosen = subject !== undefined || exec !== undefined;
  const chosenSubjects = isChosen ? [chooseSubject({ subject, exec })] : references;
  return chosenScenarios.flatMap((one) =>
    chosenSubjects.map((other) => ({
      scenario: one,
      subject: other,
      adapter,
      processes,
      expected: other.expected === 'valid' ? ('valid' as const) : expectationOf(other.name, one.name, adapter),
    })),
  );
}

const expectationOf = (subject: string, scenario: string, adapter: string): 'violated' | undefined =>
  knownBad
    .find(({ name }) => name === subject)
    ?.caughtBy.some((run) => run.scenario === scenario && run.adapter === adapter) === true
    ? 'violated'
    : undefined;
