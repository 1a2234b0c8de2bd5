import { isCrash, type Choice } from './token.ts';

/** What a scheduler chose at one step, and from which clients. */
export interface Decision {
  readonly choice: Choice;
  /** Clients that had a command which could be released. */
  readonly enabledClients: readonly number[];
}

/** Counts the preemptions: switches away from a client that still had a command ready. A crashed client has none. */
export function countPreemptions(decisions: readonly Decision[]): number {
  return decisions.filter(({ choice, enabledClients }, step) => {
    const before = decisions[step - 1]?.choice;
    if (before === undefined || isCrash(before.fault) || before.client === choice.client) return false;
    return enabledClients.includes(before.client);
  }).length;
}
