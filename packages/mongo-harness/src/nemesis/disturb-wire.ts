import type { Disturbance, DisturbanceKind } from 'mongo-interleave/gate';
import { choosePrimary } from './choose-members.ts';
import { nameOf, type FaultMethod } from './fault-method.ts';
import { between, hold } from './hold.ts';

const MIN_ON_MS = 1_000;
const MAX_ON_MS = 4_000;
const MIN_PROBABILITY = 0.02;
const MAX_PROBABILITY = 0.3;
const MIN_DELAY_MS = 10;
const MAX_DELAY_MS = 500;

/** Over when everything passes again. */
export const disturbing =
  (kind: DisturbanceKind): FaultMethod =>
  async ({ set, wire, random }) => {
    if (wire === undefined) throw new Error(`${kind} needs callers that come over a wire`);
    const [primary] = await choosePrimary(set, random);
    if (primary === undefined) throw new Error('there is no primary');
    const onMs = between(MIN_ON_MS, MAX_ON_MS, random);
    const probability = between(MIN_PROBABILITY, MAX_PROBABILITY, random);
    const delayMs = between(MIN_DELAY_MS, MAX_DELAY_MS, random);
    const disturbance: Disturbance = { kind, meets: () => random() < probability, delayMs, member: primary.index };
    const percent = `${(100 * probability).toFixed(0)} % of commands`;
    const targets: Partial<Record<DisturbanceKind, string>> = {
      delay: `${percent}, by ${delayMs.toFixed(0)} ms`,
      'cut-off': nameOf(primary),
    };
    return {
      target: targets[kind] ?? percent,
      run: async (signal) => {
        wire.disturb(disturbance);
        await hold(onMs, signal);
        return wire.mend();
      },
    };
  };
