import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { NoAnswer, PlannedCall, System } from '../../src/index.ts';
import { Recorder } from '../../src/history/recorder.ts';
import { runCalls, type CallsOptions } from '../../src/storm/run-calls.ts';
import type { Seats } from '../support/seats-system.ts';

type Answer = Seats['answer'] | NoAnswer;

const reserve = (seat: string): Seats['call'] => ({ op: 'reserve', seat });

async function run(
  calls: readonly PlannedCall<Seats>[],
  answer: (caller: number, call: Seats['call']) => Promise<Answer>,
  {
    maxConcurrency = 100,
    ...more
  }: Partial<Pick<CallsOptions<Seats>, 'next' | 'inquiry' | 'deadlineMs' | 'maxConcurrency'>> = {},
) {
  const recorder = new Recorder<Seats>();
  let nowMs = 0;
  const flows = [{ service: 'box-office', flow: { call: answer } }];
  await runCalls({
    process: 3,
    flows,
    calls,
    next: undefined,
    ...more,
    maxConcurrency,
    recorder,
    nowMs: () => nowMs++,
    watch: { longestSince: () => 0 },
  });
  return recorder.history('ms').operations;
}

const soldOut = async (): Promise<Answer> => ({ kind: 'sold-out' });
const nextSeat: System<Seats>['next'] = ({ seat }) =>
  seat === 's3' ? undefined : reserve(`s${Number(seat.slice(1)) + 1}`);

describe('a caller that goes on', () => {
  const asked = async (follow: number, next?: System<Seats>['next']): Promise<string[]> =>
    (await run([{ caller: 0, call: reserve('s1'), follow }], soldOut, next === undefined ? {} : { next })).map(
      ({ call }) => call.seat,
    );

  test('asks as often as planned, and no more than the system has a next call', async () => {
    expect(await asked(0, nextSeat)).toEqual(['s1']);
    expect(await asked(1, nextSeat)).toEqual(['s1', 's2']);
    expect(await asked(9, nextSeat)).toEqual(['s1', 's2', 's3']);
  });

  test('asks once where the system has no next', async () => {
    expect(await asked(9)).toEqual(['s1']);
  });
});

test('who can not know asks at once, and then goes on', async () => {
  const isInDoubt = ({ seat }: Seats['call']): boolean => seat === 's1';
  const operations = await run(
    [{ caller: 7, call: reserve('s1'), follow: 1 }],
    async (_caller, call) => (isInDoubt(call) ? { kind: 'error', code: 'lost', message: '' } : { kind: 'sold-out' }),
    { next: nextSeat, inquiry: (call, { kind }) => (kind === 'error' ? reserve(`${call.seat}?`) : undefined) },
  );
  expect(operations.map(({ caller, call }) => `${caller} ${call.seat}`)).toEqual(['7 s1', '7 s1?', '7 s2']);
});

test('a call that is never answered is told long after the deadline of its flow, and the others go on', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const calls = [0, 1].map((caller) => ({ caller, call: reserve('s1') }));
  const answer = (caller: number): Promise<Answer> => (caller === 0 ? new Promise(() => undefined) : soldOut());
  const running = run(calls, answer, { deadlineMs: 1_000 });
  await vi.advanceTimersByTimeAsync(31_000);
  expect((await running).map((operation) => operation.answer)).toEqual([
    { kind: 'sold-out' },
    { kind: 'error', code: 'never-answered', message: 'no answer within 30 s after the deadline' },
  ]);
});

test('a flow that throws is recorded as an error, and the others go on', async () => {
  const calls = [0, 1].map((caller) => ({ caller, call: reserve('s1') }));
  const operations = await run(calls, async (caller) => {
    if (caller === 0) throw new Error('broken');
    return { kind: 'sold-out' };
  });
  expect(operations.map(({ caller, process, service, answer }) => ({ caller, process, service, answer }))).toEqual([
    { caller: 0, process: 3, service: 'box-office', answer: { kind: 'error', code: 'unexpected', message: 'broken' } },
    { caller: 1, process: 3, service: 'box-office', answer: { kind: 'sold-out' } },
  ]);
});

test('late callers wait until half of the others have their answer', async () => {
  const calls = Array.from({ length: 4 }, (_, caller) => ({ caller, call: reserve('s1'), late: caller === 0 }));
  const operations = await run(calls, soldOut);
  const late = operations.find(({ caller }) => caller === 0);
  const answered = operations.filter(({ completedAtMs = Infinity }) => completedAtMs < (late?.invokedAtMs ?? 0));
  expect(answered.length).toBeGreaterThanOrEqual(2);
});

test('late callers alone do not wait for anybody', async () => {
  expect(await run([{ caller: 0, call: reserve('s1'), late: true }], soldOut)).toHaveLength(1);
});

test('at most so many calls are under way at once', async () => {
  let running = 0;
  let most = 0;
  const calls = Array.from({ length: 20 }, (_, caller) => ({ caller, call: reserve('s1') }));
  await run(
    calls,
    async () => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      return { kind: 'sold-out' };
    },
    { maxConcurrency: 3 },
  );
  expect(most).toBe(3);
});
