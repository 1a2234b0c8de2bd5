import type { PromiseName } from '../checker/violation.ts';
import { judgeRotations, openRace, type Race } from '../explore/open-race.ts';
import { pairScenarios } from '../explore/scenarios/index.ts';
import type { PairScenario } from '../explore/scenarios/pair-scenario.ts';
import { getNamed } from '../get-named.ts';
import type { KnownBadSubject } from '../subjects/subject.ts';

/** Opens the race that shows what is wrong with a flow; only the promises that it is known to break are judged. */
export function openShowingRace(uri: string, subject: KnownBadSubject): Promise<Race> {
  const { scenario: name, adapter, callers } = subject.shownBy;
  const scenario = getNamed(pairScenarios, name);
  return openRace(uri, { subject, adapter, callers, scenario: judgedBy(scenario, subject.breaks) });
}

const judgedBy = (scenario: PairScenario, promises: readonly PromiseName[]): PairScenario => ({
  ...scenario,
  judge: (run) => (scenario.judge ?? judgeRotations)(run).filter(({ promise }) => promises.includes(promise)),
});
