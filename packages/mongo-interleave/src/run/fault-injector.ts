import type { MongoClient } from 'mongodb';
import type { FrozenClient, Gate } from '../gate/gate.ts';
import { connectGatedClient, type GatedClient } from '../gate/gated-client.ts';
import type { InterleaveOptions } from './interleave-options.ts';
import { waitForServerCleanup } from './server-waits.ts';
import { stopped } from './stopped.ts';

/** PrimarySteppedDown: drivers retry what can be retried. */
const DEFAULT_ERROR_CODE = 189;

interface Crashed {
  readonly mongo: MongoClient;
  readonly frozen: FrozenClient;
}

interface InjectorOptions extends Pick<
  InterleaveOptions<unknown>,
  'clientOptions' | 'crashedTransactions' | 'errorCode'
> {
  readonly maxWaitMs: number;
}

/** Makes things go wrong for the clients of one gate, and cleans up afterwards. */
export class FaultInjector {
  readonly #control: MongoClient;
  readonly #gate: Gate;
  readonly #clients: GatedClient[];
  readonly #options: InjectorOptions;
  #crashed: Crashed[] = [];
  #hasFailPoint = false;
  #isClosed = false;

  /** @param clients a crashed client is replaced in this array */
  constructor(control: MongoClient, gate: Gate, clients: GatedClient[], options: InjectorOptions) {
    this.#control = control;
    this.#gate = gate;
    this.#clients = clients;
    this.#options = options;
  }

  /** The transaction of a crashed client stays open until the server ends it. */
  get leavesTransactions(): boolean {
    return this.#options.crashedTransactions === 'leave';
  }

  /** Freezes a client for good, ends its open transaction unless it is to be left open, and connects a fresh client in its place. */
  async crash(client: number, openSession: unknown): Promise<GatedClient> {
    const frozen = await this.#gate.crash(client);
    const crashed = this.#clients[client];
    if (crashed !== undefined) this.#crashed.push({ frozen, mongo: crashed.mongo });
    if (openSession !== undefined && !this.leavesTransactions)
      await this.#control.db('admin').command({ killSessions: [openSession] });
    const fresh = await connectGatedClient(this.#gate, client, this.#options.clientOptions ?? {});
    if (this.#isClosed) {
      await fresh.mongo.close();
      throw stopped();
    }
    this.#clients[client] = fresh;
    return fresh;
  }

  /** Makes the server refuse this client's next command of this name. @returns the error code that it shall give */
  async failNext(client: number, command: string): Promise<number> {
    const { errorCode = DEFAULT_ERROR_CODE } = this.#options;
    const appName = this.#clients[client]?.mongo.options.appName;
    this.#hasFailPoint = true;
    await this.#setFailPoint({ times: 1 }, { failCommands: [command], errorCode, appName });
    return errorCode;
  }

  /** Waits until the server has ended the transactions of these sessions. */
  waitForServerCleanup(sessions: readonly unknown[]): Promise<void> {
    return waitForServerCleanup(this.#control, sessions, this.#options.maxWaitMs);
  }

  async removeFailPoint(): Promise<void> {
    if (!this.#hasFailPoint) return;
    await this.#setFailPoint('off');
    this.#hasFailPoint = false;
  }

  /** Closes the crashed clients. Their flows get errors only now, and run their `catch` and `finally` against a closed port. */
  async closeCrashed(): Promise<void> {
    const all = this.#crashed;
    this.#crashed = [];
    await Promise.all(
      all.map(async ({ mongo, frozen }) => {
        frozen.retire();
        await mongo.close();
        await frozen.close();
      }),
    );
  }

  /** Closes the crashed clients; a `crash` that is in progress then throws `stopped`. */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.closeCrashed();
  }

  async #setFailPoint(mode: 'off' | { times: number }, data: object = {}): Promise<void> {
    await this.#control.db('admin').command({ configureFailPoint: 'failCommand', mode, data });
  }
}
