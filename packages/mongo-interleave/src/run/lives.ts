import type { Gate } from '../gate/gate.ts';
import { connectGatedClient, type GatedClient } from '../gate/gated-client.ts';
import { InterleaveError } from '../interleave-error.ts';
import { callbackFailed } from './bad-run.ts';
import { readClock } from './clock.ts';
import { disposeOf } from './dispose-of.ts';
import { namedError } from './error-lines.ts';
import type { FlowClient, InterleaveOptions } from './interleave-options.ts';

type LifeOptions<T, P> = Pick<
  InterleaveOptions<T, P>,
  'clientOptions' | 'clock' | 'database' | 'flow' | 'prepare' | 'dispose'
>;

/** What a prepared life holds. */
interface Prepared<T> {
  readonly flow: (client: FlowClient) => Promise<T>;
  readonly dispose: () => Promise<void>;
}

/** The lives of all clients of one gate: connects them, prepares them once, and binds their flows to what `prepare` made. */
export class Lives<T, P> {
  readonly #gate: Gate;
  readonly #options: LifeOptions<T, P>;
  readonly #prepared = new Map<GatedClient, Prepared<T>>();
  #failure: InterleaveError | undefined;

  constructor(gate: Gate, options: LifeOptions<T, P>) {
    this.#gate = gate;
    this.#options = options;
  }

  /** Connects client `index` through the gate. It can't enter its flow before it is prepared. */
  connect(index: number): Promise<GatedClient> {
    return connectGatedClient(this.#gate, index, this.#options.clientOptions ?? {});
  }

  /**
   * Calls `prepare` past the gate, once for each life.
   *
   * @throws InterleaveError `prepare-failed` with what `prepare` threw as its cause; `watchdog` after `maxWaitMs`
   */
  async prepare(client: GatedClient, life: number): Promise<void> {
    if (this.#prepared.has(client)) return;
    const { flow, prepare } = this.#options;
    const db = client.mongo.db(this.#options.database);
    if (prepare === undefined) {
      // Without `prepare` nothing but undefined is assignable to the third parameter of the flow.
      this.#prepared.set(client, { flow: (own) => flow(own, db, undefined as P), dispose: async () => undefined });
      return;
    }
    const seen = this.#flowClient(client, life);
    const value = await this.#gate.pass(`${client.letter} to be prepared`, async () => {
      try {
        return await prepare(seen, db);
      } catch (error) {
        throw failed(client.letter, error);
      }
    });
    this.#prepared.set(client, {
      flow: (own) => flow(own, db, value),
      dispose: () => disposeOf(value, seen, this.#options.dispose),
    });
  }

  isPrepared(client: GatedClient): boolean {
    return this.#prepared.has(client);
  }

  /** Did `prepare` send commands, so that its result may depend on the data of the moment? */
  readData(client: GatedClient): boolean {
    return this.#options.prepare !== undefined && this.#gate.passedBy(client.index) > 0;
  }

  /** Runs the flow of a prepared life. */
  async flow(client: GatedClient, life: number): Promise<T> {
    const prepared = this.#prepared.get(client);
    if (prepared === undefined) throw new InterleaveError('stopped', `${client.letter} was not prepared.`);
    return prepared.flow(this.#flowClient(client, life));
  }

  #flowClient({ index, letter, mongo, uri, track, remote }: GatedClient, life: number): FlowClient {
    return { index, letter, life, mongo, uri, track, remote, now: () => this.#now(mongo) };
  }

  async #now(mongo: GatedClient['mongo']): Promise<Date> {
    const { clock, database } = this.#options;
    if (clock === undefined) throw new InterleaveError('invalid-option', 'client.now() needs the option clock.');
    return readClock(mongo, database);
  }

  /** The first error of `dispose`. A life that is over has no part in any run any more, so the error ends none. */
  get failure(): InterleaveError | undefined {
    return this.#failure;
  }

  /** Disposes what `prepare` made and closes the client. */
  async end(client: GatedClient): Promise<void> {
    const prepared = this.#prepared.get(client);
    this.#prepared.delete(client);
    try {
      await prepared?.dispose();
    } catch (error) {
      this.#failure ??= callbackFailed('dispose', error);
    } finally {
      await client.close();
    }
  }
}

const failed = (letter: string, error: unknown): InterleaveError =>
  new InterleaveError('prepare-failed', `prepare of client ${letter} threw ${namedError(error)}.`, { cause: error });
