import { describe, expect, test } from 'vitest';
import { planCalls } from '../../src/storm/plan.ts';
import { reportRounds } from '../../src/storm/report.ts';
import type { StormRun } from '../../src/storm/run.ts';
import { Tally } from '../../src/storm/tally.ts';
import type { Fault } from '../../src/system/history.ts';
import type { FaultStep } from '../../src/system/storm-fault.ts';
import { history, operation } from '../support/operations.ts';
import { row } from '../support/rows.ts';
import seatsSystem, { type Seats } from '../support/seats-system.ts';

const fault = (kind: string, met: number): Fault => ({ kind, atMs: 5, endedAtMs: 400, met, underWay: met });

/** A round of two calls that overlap. */
function roundWith(faults: readonly Fault[]): StormRun<Seats> {
  return {
    run: {
      scenario: 'one-seat',
      start: [],
      between: [],
      final: [],
      expectedErrors: [],
      history: history([operation(0, 0, 40), operation(1, 1, 40)], { faults }),
    },
    durationMs: 500,
    isCutOff: false,
    steps: [],
    beganAtMs: 0,
  };
}

interface Ended {
  readonly asked?: readonly FaultStep[];
  readonly made: readonly Fault[];
  readonly signal?: AbortSignal;
}

/** The verdict of a storm of one round, and why it is unknown. */
function verdictOf({ asked = ['step-down', 'kill-caller'], made, signal = new AbortController().signal }: Ended) {
  const rounds = { forMs: 1, everyMs: 1_000, roundMs: 15_000, goOn: false, faults: asked };
  const trial = { ...row().trial, processes: 1, size: {}, seed: 1, rounds };
  const tally = new Tally(seatsSystem, undefined);
  tally.add(roundWith(made), false, 2);
  const plan = planCalls(seatsSystem, trial);
  const { verdict, reason } = reportRounds(seatsSystem, 'pnpm seats', trial, plan, tally, {
    broken: [],
    failed: {},
    signal,
  });
  return reason === undefined ? verdict : `${verdict} (${reason})`;
}

const timeout = (): AbortSignal => AbortSignal.abort(new DOMException('', 'TimeoutError'));
const ctrlC = (): AbortSignal => AbortSignal.abort(new Error('interrupted'));

describe('a storm of rounds in which nothing was broken', () => {
  const both = [fault('step-down', 3), fault('kill-caller', 1)];

  test.each<[name: string, ended: Ended, verdict: string]>([
    ['is valid where each kind of fault met calls', { made: both }, 'valid'],
    ['also where it met some in one round only', { made: [...both, fault('step-down', 0)] }, 'valid'],
    ['and also where Ctrl-C ended it then', { made: both, signal: ctrlC() }, 'valid'],
    ['needs no fault where none was asked for', { asked: [], made: [] }, 'valid'],
    [
      'says nothing of a kind that was not made',
      { made: [fault('step-down', 3)] },
      'unknown (no kill-caller was made)',
    ],
    [
      'or of one that met nothing',
      { made: [fault('step-down', 3), fault('kill-caller', 0)] },
      'unknown (no kill-caller hit a call under way)',
    ],
    [
      'counts each kind of those that begin together',
      { asked: ['step-down+kill-caller', 'step-down'], made: [fault('step-down', 3)] },
      'unknown (no kill-caller was made)',
    ],
    [
      'says why a kind had no turn',
      { made: [fault('step-down', 3)], signal: ctrlC() },
      'unknown (interrupted; no kill-caller was made)',
    ],
    [
      'was not over when its time was: what it was in the middle of is not known',
      { made: both, signal: timeout() },
      'unknown (did not end in time)',
    ],
  ])('%s', (_name, ended, verdict) => {
    expect(verdictOf(ended)).toBe(verdict);
  });
});
