import type { ClientPlan, PlannedCall } from 'mongo-harness';
import type { StartState } from '../model/start-state.ts';
import type { RotateCall, RotationTypes } from '../model/rotation-types.ts';

const MAX_BINDINGS = 4;
const CREATED_AT = new Date();

export const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);

/** Binds `count` proxies of its own to a key. */
const bind = (keyId: string, count: number): StartState['bindings'] =>
  numbered(`${keyId}-proxy`, count).map((proxyId, priority) => ({
    proxyId,
    keyId,
    priority,
    isActive: true,
    createdAt: CREATED_AT,
  }));

/** Gives each key one to four bindings. */
export const bindAll = (keys: readonly string[], random: () => number): StartState['bindings'] =>
  keys.flatMap((keyId) => bind(keyId, 1 + Math.floor(random() * MAX_BINDINGS)));

/** The same key with several bindings in every run: one binding alone would hide that the others were forgotten. */
export const bindThrice = (keyId: string): StartState['bindings'] => bind(keyId, 3);

/** Callers in a shuffled order over the keys, so that neighbours in time are no neighbours in the index. */
export function callEach(
  keys: readonly string[],
  callers: number,
  random: () => number,
  callOf: (keyId: string, caller: number) => RotateCall = (keyId) => ({ op: 'rotate', keyId }),
): PlannedCall<RotationTypes>[] {
  const calls = Array.from({ length: callers }, (_, index) => keys[index % keys.length]).filter(
    (id) => id !== undefined,
  );
  return calls
    .map((keyId) => ({ keyId, order: random() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ keyId }, caller) => ({ caller, call: callOf(keyId, caller) }));
}

/** One caller in each client, and one more in the first where something can be shared. */
export function callersOf(
  count: number,
  shares: boolean,
  callOf: (caller: number) => PlannedCall<RotationTypes>,
): ClientPlan<RotationTypes>[] {
  const own = Array.from({ length: count }, (_, caller) => ({ calls: [callOf(caller)] }));
  const [first] = own;
  if (shares) first?.calls.push(callOf(count));
  return own;
}

/** A backup for each caller, and one more. */
export const backupsFor = (callers: number, shares: boolean): string[] => numbered('b', callers + (shares ? 1 : 0) + 1);
