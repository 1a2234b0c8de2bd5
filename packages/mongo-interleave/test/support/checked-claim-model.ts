import type { Transition } from '../../src/strategy/transition.ts';

/*
 * The checked-claim flow on a pure model of its documents, one key and enough backups: check, claim, delete bindings, delete key,
 * insert key, insert binding; a client that finds no key ends after the check, one whose delete misses ends there.
 */

export interface Touch {
  readonly reads: readonly string[];
  readonly writes: readonly string[];
}

export interface ModelStep extends Touch {
  readonly client: number;
  readonly id: string;
}

export class CheckedClaimModel {
  #next: number[];
  #claimed: (number | undefined)[];
  #hasKey = true;
  #bindingOf: number | undefined = -1;
  #free: number[];

  constructor(clients: number, backups: number = clients + 1) {
    this.#next = Array.from({ length: clients }, () => 0);
    this.#claimed = this.#next.map(() => undefined);
    this.#free = Array.from({ length: backups }, (_, backup) => backup);
  }

  /** The same state, to go on from by itself. */
  copy(): CheckedClaimModel {
    const copy = new CheckedClaimModel(0);
    copy.#next = [...this.#next];
    copy.#claimed = [...this.#claimed];
    copy.#hasKey = this.#hasKey;
    copy.#bindingOf = this.#bindingOf;
    copy.#free = [...this.#free];
    return copy;
  }

  /** Clients with a command left. */
  get enabled(): Transition[] {
    return this.#next.flatMap((at, client) => {
      const id = `${client}.${at}`;
      return at < COMMANDS ? [{ client, id, commandId: id }] : [];
    });
  }

  /** Backups that were claimed, and serve nobody. */
  get wasted(): number {
    const claimed = this.#claimed.filter((backup) => backup !== undefined).length;
    return Math.max(0, claimed - (this.#bindingOf !== undefined && this.#bindingOf >= 0 ? 1 : 0));
  }

  /** Does the client's next command; a write that finds nothing is a read. */
  step(client: number): Touch {
    const at = this.#next[client] ?? COMMANDS;
    this.#next[client] = at + 1;
    const backup = this.#claimed[client];
    switch (at) {
      case 0:
        if (!this.#hasKey) this.#next[client] = COMMANDS;
        return { reads: ['key'], writes: [] };
      case 1:
        this.#claimed[client] = this.#free.shift();
        return { reads: ['free'], writes: ['free'] };
      case 2: {
        const hit = this.#bindingOf === -1;
        if (hit) this.#bindingOf = undefined;
        return { reads: ['binding of key'], writes: hit ? ['binding of key'] : [] };
      }
      case 3: {
        const hit = this.#hasKey;
        this.#hasKey = false;
        if (!hit) this.#next[client] = COMMANDS;
        return { reads: ['key'], writes: hit ? ['key'] : [] };
      }
      case 4:
        return { reads: [`key ${backup}`], writes: [`key ${backup}`] };
      default:
        this.#bindingOf = backup;
        return { reads: [`binding of ${backup}`], writes: [`binding of ${backup}`] };
    }
  }
}

const COMMANDS = 6;

export const touchesDepend = (one: Touch, other: Touch): boolean =>
  one.writes.some((name) => other.reads.includes(name)) || other.writes.some((name) => one.reads.includes(name));
