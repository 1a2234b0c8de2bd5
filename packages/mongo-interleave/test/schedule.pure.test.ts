import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Schedule } from '../src/index.ts';
import { schedules } from '../src/fast-check.ts';
import { simplerSchedules } from '../src/strategy/simpler-schedules.ts';

/* No database here: which schedules are simpler than which, and what is left of one that fails. */

const switches = (count: number): Schedule['switches'] =>
  Array.from({ length: count }, (_, after) => ({ client: 0, after, to: 1 }));

describe('simpler schedules', () => {
  test('have fewer switches, clients or faults, and none comes twice in a row', () => {
    fc.assert(
      fc.property(schedules({ clients: 4, faults: ['crash', 'reset'], maxFaults: 3 }), (schedule) => {
        const size = ({ clients, switches: all, faults }: Schedule): number =>
          clients.length + all.length + faults.length;
        for (const candidate of simplerSchedules(schedule)) expect(size(candidate)).toBeLessThan(size(schedule));
      }),
    );
  });

  test('begin with no switch at all, then each alone', () => {
    const [none, ...ones] = [...simplerSchedules({ clients: [0, 1], switches: switches(3), faults: [] })];
    expect(none?.switches).toEqual([]);
    expect(ones.slice(0, 3).map((one) => one.switches)).toEqual(switches(3).map((one) => [one]));
  });

  test('of a client that is gone no switch and no fault is left', () => {
    const schedule: Schedule = {
      clients: [0, 1, 2],
      switches: [{ client: 0, after: 1, to: 2 }],
      faults: [{ client: 2, after: 0, kind: 'crash' }],
    };
    expect([...simplerSchedules(schedule)]).toContainEqual({ clients: [0, 1], switches: [], faults: [] });
  });
});

describe('random schedules', () => {
  const all = fc.sample(schedules({ clients: 3, commands: 5, maxSwitches: 4, faults: ['reset'] }), {
    numRuns: 300,
    seed: 1,
  });

  test('name only clients that there are, never a switch to the client itself, and keep the limits', () => {
    for (const { clients, switches: some, faults } of all) {
      expect(clients.toSorted((one, other) => one - other)).toEqual([0, 1, 2]);
      expect(some.length).toBeLessThanOrEqual(4);
      expect(faults.length).toBeLessThanOrEqual(1);
      for (const { client, after, to } of some) {
        expect(client).not.toBe(to);
        expect([client, to].every((one) => one >= 0 && one < 3) && after >= 0 && after < 5).toBe(true);
      }
    }
  });

  test('differ: every first client, every number of switches, with a fault and without', () => {
    expect(new Set(all.map(({ clients }) => clients[0])).size).toBe(3);
    expect(new Set(all.map((one) => one.switches.length)).size).toBe(5);
    expect(new Set(all.map(({ faults }) => faults.length)).size).toBe(2);
  });

  test('of one client have no switches', () => {
    for (const { switches: some } of fc.sample(schedules({ clients: 1 }), 50)) expect(some).toEqual([]);
  });

  test('shrink to what is needed, and the path that fast-check reports replays it', () => {
    // Fails with a switch from 0 to 1, whatever else there is.
    const property = fc.property(
      schedules({ clients: 3, faults: ['crash'] }),
      (schedule) => !schedule.switches.some(({ client, to }) => client === 0 && to === 1),
    );
    const found = fc.check(property, { seed: 7, numRuns: 1_000 });
    expect(found.counterexample?.[0]).toEqual({
      clients: expect.toSatisfy((clients: readonly number[]) => clients.length === 2 && !clients.includes(2)),
      switches: [{ client: 0, after: expect.any(Number), to: 1 }],
      faults: [],
    });
    const again = fc.check(property, { seed: 7, path: found.counterexamplePath ?? '' });
    expect(again.counterexample).toEqual(found.counterexample);
    expect(again.numShrinks).toBe(0);
  });
});
