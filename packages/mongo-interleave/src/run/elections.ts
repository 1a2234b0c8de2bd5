import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient, MongoServerError, type Timestamp } from 'mongodb';
import type { ServerAddress } from '../gate/relay.ts';
import { addressOf } from '../gate/find-primary.ts';
import { InterleaveError } from '../interleave-error.ts';

const POLL_MS = 2;
/** CommandFailed: the member was not elected, because the others had heard of it too little or too long ago. */
const NOT_ELECTED = 125;

/** What a member says of itself. */
interface Greeting {
  readonly me: string;
  readonly isWritablePrimary: boolean;
  readonly secondary: boolean;
  /** Those that can be elected. */
  readonly hosts?: readonly string[];
  readonly lastWrite: { readonly opTime: { readonly ts: Timestamp } };
}

/**
 * Makes another member of the set the primary, with `replSetStepUp`: the old primary steps down when it hears of the new term, as after any
 * election. Nothing is rolled back, because the next primary has every write by then.
 */
export class Elections {
  readonly #control: MongoClient;
  readonly #maxWaitMs: number;
  readonly #members = new Map<string, MongoClient>();
  /** The last primaries, the latest last. */
  #past: readonly string[] = [];

  constructor(control: MongoClient, maxWaitMs: number) {
    this.#control = control;
    this.#maxWaitMs = maxWaitMs;
  }

  /** Elects another member than the primary. @returns when the new primary takes writes, and the majority has what was written before */
  async electAnother(): Promise<ServerAddress> {
    const { me: old, hosts = [] } = await this.#ask();
    const next = this.#next(old, hosts);
    const written = await this.#writeNote();
    const until = waitWithin(this.#maxWaitMs);
    await until(async () => {
      const { secondary, lastWrite } = await this.#ask(next);
      return secondary && lastWrite.opTime.ts.greaterThanOrEqual(written);
    });
    await until(() => this.#stepUp(next));
    await until(async () => (await this.#ask(next)).isWritablePrimary);
    await until(async () => (await this.#ask(old)).secondary);
    await until(async () => (await this.#ask()).me === next);
    await this.#writeNote();
    this.#past = [...this.#past.filter((one) => one !== old), old];
    return addressOf(next);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#members.values()].map((member) => member.close()));
  }

  /** The member that was not the primary for the longest time. */
  #next(old: string, hosts: readonly string[]): string {
    const others = hosts.filter((host) => host !== old);
    const [next] = others.toSorted((one, other) => this.#past.indexOf(one) - this.#past.indexOf(other));
    if (next === undefined) throw noOther(`this one has ${old} alone`);
    return next;
  }

  /** @param member default: the primary */
  async #ask(member?: string): Promise<Greeting> {
    const asked = member === undefined ? this.#control : this.#memberOf(member);
    return (await asked.db('admin').command({ hello: 1 })) as unknown as Greeting;
  }

  #memberOf(address: string): MongoClient {
    const known = this.#members.get(address);
    if (known !== undefined) return known;
    const member = new MongoClient(`mongodb://${address}/?directConnection=true`);
    this.#members.set(address, member);
    return member;
  }

  /** @returns the time of a note in the oplog that a majority has, and with it everything that was written before */
  async #writeNote(): Promise<Timestamp> {
    const { operationTime } = await this.#control.db('admin').command({
      appendOplogNote: 1,
      data: { note: 'failover' },
      writeConcern: { w: 'majority', wtimeout: this.#maxWaitMs },
    });
    return operationTime as Timestamp;
  }

  async #stepUp(member: string): Promise<boolean> {
    try {
      await this.#memberOf(member).db('admin').command({ replSetStepUp: 1 });
      return true;
    } catch (error) {
      if (error instanceof MongoServerError && error.code === NOT_ELECTED) return false;
      throw error;
    }
  }
}

/** Asks again and again, because a server does not tell. @returns waits for one thing after the other */
function waitWithin(maxWaitMs: number): (isDone: () => Promise<boolean>) => Promise<void> {
  const giveUpAtMs = performance.now() + maxWaitMs;
  return async (isDone) => {
    while (!(await isDone())) {
      if (performance.now() >= giveUpAtMs)
        throw new InterleaveError(
          'watchdog',
          `No other member had become the primary after ${maxWaitMs} ms (maxWaitMs). The run has no verdict.`,
        );
      await sleep(POLL_MS);
    }
  };
}

/** @param what what there is instead */
export const noOther = (what: string): InterleaveError =>
  new InterleaveError(
    'invalid-option',
    `The faults step-down and step-down-after need a replica set in which another member can become the primary, and ${what}. Start a set of three members and give its uri, with replicaSet and without directConnection.`,
  );
