import { describe, expect, test } from 'vitest';
import { hold } from '../../src/nemesis/hold.ts';
import { Nemesis } from '../../src/nemesis/nemesis.ts';
import { makeFaults } from '../../src/storm/make-faults.ts';
import { StormClock } from '../../src/storm/storm-clock.ts';
import type { Workers } from '../../src/storm/workers.ts';
import type { FaultStep, StormFault } from '../../src/system/storm-fault.ts';
import type { Seats } from '../support/seats-system.ts';

/** From the begin of a step to the begin of the next one; what lasts is said in these. */
const EVERY_MS = 300;

const site = { set: {}, callers: {}, appName: '' } as unknown as ConstructorParameters<typeof Nemesis>[0];

/** Workers that always have calls under way. @param told what they are told is added to it */
const callers = (told: string[]) =>
  ({
    underWay: () => 9,
    onCall: () => () => undefined,
    begin: (wave: number) => told.push(`wave ${wave}`),
    mended: () => told.push('mended'),
  }) as unknown as Workers<Seats>;

interface Round {
  /** The turns of this round alone. */
  readonly faults?: readonly FaultStep[];
  /** Those of a storm, which other rounds have too. Default: those of `faults`. */
  readonly turns?: Nemesis;
  readonly steps: number;
  readonly lasts: Partial<Record<StormFault, number>>;
  readonly maxMs?: number;
  /** The signal fires when this has begun. */
  readonly endsAt?: StormFault;
  readonly fails?: StormFault;
}

const turnsOf = (faults: readonly FaultStep[]): Nemesis =>
  new Nemesis(site, { forMs: 1, faults, everyMs: EVERY_MS, roundMs: 15_000 });

/** Makes the faults of a round. @returns what happened, `+` for a begin and `-` for an end */
async function round({ faults = [], turns = turnsOf(faults), steps, lasts, maxMs = 60_000, endsAt, fails }: Round) {
  const events: string[] = [];
  const ended = new AbortController();
  const nemesis: Pick<Nemesis, 'next' | 'prepare'> = {
    next: (disturbed) => turns.next(disturbed),
    prepare: async (kind) => ({
      target: 'all',
      run: async (signal) => {
        events.push(`+${kind}`);
        if (kind === endsAt) ended.abort();
        if (kind === fails) throw new Error(`no ${kind} today`);
        await hold((lasts[kind] ?? 0) * EVERY_MS, signal);
        events.push(`-${kind}`);
      },
    }),
  };
  const planned = { nemesis, steps, everyMs: EVERY_MS, maxMs, randomOf: () => () => 0 };
  const [making] = await Promise.allSettled([makeFaults(planned, new StormClock(), callers(events), ended.signal)]);
  return { events: events.filter((event) => !event.startsWith('wave')), making };
}

describe('the faults of a round', () => {
  test('begin one after the other, also while those of other lanes last', async () => {
    const { events } = await round({
      faults: ['freeze-primary', 'kill-caller', 'fail-command'],
      steps: 3,
      lasts: { 'freeze-primary': 5, 'kill-caller': 0.5, 'fail-command': 2 },
    });
    expect(events).toEqual([
      '+freeze-primary',
      '+kill-caller',
      '-kill-caller',
      '+fail-command',
      '-fail-command',
      '-freeze-primary',
      'mended',
    ]);
  });

  test('wait for those of their own lane; others go first meanwhile, and no turn is lost', async () => {
    const { events, making } = await round({
      faults: ['freeze-primary', 'step-down', 'kill-caller'],
      steps: 4,
      lasts: { 'freeze-primary': 2.5, 'kill-caller': 3 },
    });
    expect(events.filter((event) => event.startsWith('+'))).toEqual([
      '+freeze-primary',
      '+kill-caller',
      '+step-down',
      '+freeze-primary',
    ]);
    expect(events.indexOf('+step-down')).toBeGreaterThan(events.indexOf('-freeze-primary'));
    expect(making).toMatchObject({
      value: {
        steps: [{ step: 'freeze-primary' }, { step: 'kill-caller' }, { step: 'step-down' }, { step: 'freeze-primary' }],
      },
    });
  });

  test('begin together where the step says so', async () => {
    const { events, making } = await round({
      faults: ['kill-secondary+freeze-caller', 'step-down'],
      steps: 2,
      lasts: { 'kill-secondary': 0.5, 'freeze-caller': 4 },
    });
    expect(events).toEqual([
      '+kill-secondary',
      '+freeze-caller',
      '-kill-secondary',
      '+step-down',
      '-step-down',
      '-freeze-caller',
      'mended',
    ]);
    expect(making).toMatchObject({ value: { steps: [{}, {}], faults: [{}, {}, {}] } });
  });

  test('begin no more when the round has gone on for long enough', async () => {
    const lasts = { 'freeze-primary': 4 };
    const { events } = await round({ faults: ['freeze-primary'], steps: 9, lasts, maxMs: 6 * EVERY_MS });
    expect(events).toEqual(['+freeze-primary', '-freeze-primary', '+freeze-primary', '-freeze-primary', 'mended']);
  });

  test('a kind whose turn comes when the round has gone on for long enough has it in the next round', async () => {
    const turns = turnsOf(['freeze-primary', 'kill-primary']);
    const lasts = { 'freeze-primary': 4 };
    const first = await round({ turns, steps: 2, lasts, maxMs: 3 * EVERY_MS });
    expect(first.events).toEqual(['+freeze-primary', '-freeze-primary', 'mended']);
    expect(turns.owesFaults).toBe(true);
    const second = await round({ turns, steps: 2, lasts: {} });
    expect(second.events.at(0)).toBe('+kill-primary');
    expect(turns.owesFaults).toBe(false);
  });

  test('a kind that the signal keeps from its turn was not made', async () => {
    const turns = turnsOf(['freeze-primary', 'kill-primary']);
    const { events } = await round({
      turns,
      steps: 2,
      lasts: { 'freeze-primary': 900 },
      endsAt: 'freeze-primary',
    });
    expect(events).toEqual(['+freeze-primary', '-freeze-primary', 'mended']);
    expect(turns.owesFaults).toBe(true);
  });

  test('all end when the signal fires', async () => {
    const { events } = await round({
      faults: ['freeze-primary', 'freeze-caller'],
      steps: 9,
      lasts: { 'freeze-primary': 900, 'freeze-caller': 900 },
      endsAt: 'freeze-caller',
    });
    expect(events.slice(0, 2)).toEqual(['+freeze-primary', '+freeze-caller']);
    expect(events.slice(2).toSorted()).toEqual(['-freeze-caller', '-freeze-primary', 'mended']);
  });

  test('end with the one that fails', async () => {
    const { events, making } = await round({
      faults: ['freeze-primary', 'kill-caller'],
      steps: 9,
      lasts: { 'freeze-primary': 900 },
      fails: 'kill-caller',
    });
    expect(making).toMatchObject({ status: 'rejected', reason: { message: 'no kill-caller today' } });
    expect(events).toEqual(['+freeze-primary', '+kill-caller', '-freeze-primary', 'mended']);
  });
});

describe('how many faults a round has', () => {
  const many = {
    forMs: 300_000,
    everyMs: 3_000,
    roundMs: 15_000,
    faults: ['step-down', 'kill-primary'],
  } satisfies ConstructorParameters<typeof Nemesis>[1];

  test.each([
    ['as many as fit', {}, 5],
    ['more in a longer round', { roundMs: 60_000 }, 20],
    ['no more than last one after the other', { everyMs: 1 }, 10],
    ['one where they come seldom', { everyMs: 60_000 }, 1],
    ['each kind once in a short storm', { forMs: 1, everyMs: 1_000 }, 2],
    ['no more than wanted', { everyMs: 1, maxSteps: 1 }, 1],
    ['none where there are no faults', { faults: [] }, 0],
  ])('%s', (_, rounds, count) => {
    expect(new Nemesis(site, { ...many, ...rounds }).stepsOfRound()).toBe(count);
  });
});
