import { MongoServerError, type MongoClient } from 'mongodb';
import type { FrozenClient, Gate, RefusedCommand } from '../gate/gate.ts';
import type { GatedClient } from '../gate/gated-client.ts';
import { InterleaveError } from '../interleave-error.ts';
import { Elections } from './elections.ts';
import type { InterleaveOptions } from './interleave-options.ts';
import type { Lives } from './lives.ts';
import { endWorkOf, waitForServerCleanup } from './server-waits.ts';
import { stopped } from './stopped.ts';

/** PrimarySteppedDown: drivers retry what can be retried. */
const DEFAULT_ERROR_CODE = 189;

/** What a server without test commands says of the command that sets a fail point. */
const COMMAND_NOT_FOUND = 59;

interface Frozen {
  readonly client: GatedClient;
  readonly frozen: FrozenClient;
}

interface InjectorOptions extends Pick<InterleaveOptions<unknown>, 'crashedTransactions' | 'errorCode'> {
  readonly maxWaitMs: number;
}

/** A crashed client's place was taken by a fresh one. */
interface Restart {
  readonly fresh: GatedClient;
  /** `prepare` sent commands, so that its result may depend on the data of this moment. */
  readonly readData: boolean;
}

/** Makes things go wrong for the clients of one gate, and cleans up afterwards. */
export class FaultInjector {
  readonly #control: MongoClient;
  readonly #gate: Gate;
  readonly #clients: GatedClient[];
  readonly #lives: Pick<Lives<unknown, never>, 'connect' | 'prepare' | 'readData' | 'end'>;
  readonly #options: InjectorOptions;
  readonly #elections: Elections;
  #frozen: Frozen[] = [];
  #hasFailPoint = false;
  #isClosed = false;

  /** @param clients a crashed client is replaced in this array */
  constructor(
    control: MongoClient,
    gate: Gate,
    clients: GatedClient[],
    lives: Pick<Lives<unknown, never>, 'connect' | 'prepare' | 'readData' | 'end'>,
    options: InjectorOptions,
  ) {
    this.#control = control;
    this.#gate = gate;
    this.#clients = clients;
    this.#lives = lives;
    this.#options = options;
    this.#elections = new Elections(control, options.maxWaitMs);
  }

  /** The transaction of a crashed client stays open until the server ends it. */
  get leavesTransactions(): boolean {
    return this.#options.crashedTransactions === 'leave';
  }

  /** Freezes a client for good, ends its open transaction unless it is to be left open, and prepares a fresh client in its place. */
  async crash(client: number, openSession: unknown): Promise<Restart> {
    await this.#freeze(client);
    if (openSession !== undefined && !this.leavesTransactions)
      await this.#control.db('admin').command({ killSessions: [openSession] });
    const fresh = await this.#connect(client);
    // Its life in this run: the frozen clients of earlier runs are closed.
    await this.#lives.prepare(fresh, this.#frozen.filter((one) => one.client.index === client).length);
    return { fresh, readData: this.#lives.readData(fresh) };
  }

  /**
   * Freezes clients that hang, ends what they have under way in the server, and connects fresh clients in their places, which are not
   * prepared yet. What the frozen clients still send goes nowhere.
   */
  async replace(clients: readonly number[]): Promise<void> {
    if (clients.length === 0) return;
    const appNames = clients.flatMap((client) => this.#clients[client]?.mongo.options.appName ?? []);
    for (const client of clients) await this.#freeze(client);
    await endWorkOf(this.#control, appNames, this.#options.maxWaitMs);
    for (const client of clients) await this.#connect(client);
  }

  /** Makes another member the primary, see {@link Gate.failOver}. The open transactions of all clients are gone then. */
  failOver(meanwhile?: () => void): Promise<readonly RefusedCommand[]> {
    return this.#gate.failOver(() => this.#elections.electAnother(), meanwhile);
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

  /** Closes the frozen clients. Their flows get errors only now, and run their `catch` and `finally` against a closed port. */
  async closeFrozen(): Promise<void> {
    const all = this.#frozen;
    this.#frozen = [];
    await Promise.all(
      all.map(async ({ client, frozen }) => {
        frozen.retire();
        await this.#lives.end(client);
        await frozen.close();
      }),
    );
  }

  /** Closes the frozen clients; a `crash` that is in progress then throws `stopped`. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.closeFrozen(), this.#elections.close()]);
  }

  async #freeze(client: number): Promise<void> {
    const frozen = await this.#gate.crash(client);
    const old = this.#clients[client];
    if (old !== undefined) this.#frozen.push({ frozen, client: old });
  }

  async #connect(client: number): Promise<GatedClient> {
    const fresh = await this.#lives.connect(client);
    if (this.#isClosed) {
      await fresh.close();
      throw stopped();
    }
    this.#clients[client] = fresh;
    return fresh;
  }

  async #setFailPoint(mode: 'off' | { times: number }, data: object = {}): Promise<void> {
    try {
      await this.#control.db('admin').command({ configureFailPoint: 'failCommand', mode, data });
    } catch (error) {
      if (!(error instanceof MongoServerError) || error.code !== COMMAND_NOT_FOUND) throw error;
      throw new InterleaveError(
        'invalid-option',
        'The fault error needs a server with test commands: start it with --setParameter enableTestCommands=1, or leave this fault out.',
        { cause: error },
      );
    }
  }
}
