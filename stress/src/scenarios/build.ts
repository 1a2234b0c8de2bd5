import type { PlannedCall, StartState } from './scenario.ts';

const BINDINGS_MAX = 4;

const createdAt = new Date();

export const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);

/** Gives each key one to four bindings, each of a proxy of its own. */
export function bindAll(keys: readonly string[], random: () => number): StartState['bindings'] {
  return keys.flatMap((keyId) =>
    numbered(`${keyId}-proxy`, 1 + Math.floor(random() * BINDINGS_MAX)).map((proxyId, priority) => ({
      proxyId,
      keyId,
      priority,
      isActive: true,
      createdAt,
    })),
  );
}

/** The same key with several bindings in every run: one binding alone would hide that the others were forgotten. */
export const bindThrice = (keyId: string): StartState['bindings'] =>
  numbered(`${keyId}-proxy`, 3).map((proxyId, priority) => ({ proxyId, keyId, priority, isActive: true, createdAt }));

/** Callers in a shuffled order over the keys, so that neighbours in time are no neighbours in the index. */
export function callEach(keys: readonly string[], callers: number, random: () => number): PlannedCall[] {
  const calls = Array.from({ length: callers }, (_, index) => keys[index % keys.length]).filter(
    (id) => id !== undefined,
  );
  return calls
    .map((keyId) => ({ keyId, order: random() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ keyId }, caller) => ({ caller, keyId, late: false, follow: 0 }));
}
