import { Worker } from 'node:worker_threads';
import type { Db, MongoClientOptions } from 'mongodb';
import type { ClientSocket } from '../gate/connections.ts';
import { InterleaveError } from '../interleave-error.ts';
import type { FlowClient, InterleaveOptions } from './interleave-options.ts';

/** One client, as its flow in a thread sees it. */
export type ThreadClient = Omit<FlowClient, 'remote'>;

/** What a module exports whose flow runs in threads. */
export interface FlowModule<T, P = undefined> {
  /** See {@link InterleaveOptions.flow}. What it returns or throws is cloned. */
  flow(client: ThreadClient, db: Db, prepared: P): Promise<T>;
  /** See {@link InterleaveOptions.prepare}. Runs in the thread. */
  prepare?(client: ThreadClient, db: Db): Promise<P>;
}

export interface ThreadOptions {
  /** Options of the client in each thread, such as `retryWrites`. They are cloned. */
  readonly clientOptions?: MongoClientOptions;
}

/** What a thread is started with. */
export interface ThreadData extends ThreadOptions, Pick<FlowClient, 'index' | 'letter' | 'life' | 'uri'> {
  readonly flowModule: string;
  readonly database: string;
}

/** What a thread is asked. */
export interface Question {
  readonly id: number;
  readonly kind: 'prepare' | 'flow' | 'sockets';
  readonly life: number;
}

/** What it answers. The fields of an error, such as `code`, are told beside it, because a clone of an error loses them. */
export type Answer = { readonly id: number } & (
  { readonly value: unknown } | { readonly error: unknown; readonly fields: object }
);

/** Beside this file, with its ending: `.ts` from the sources, `.js` from the build. */
const THREAD_FILE = new URL(import.meta.url.endsWith('.ts') ? 'thread-main.ts' : 'thread-main.js', import.meta.url);

/**
 * Runs the flow of each client in a thread of its own, so that clients share no module state: no counters, caches or replaced globals.
 * The flow is that of a module.
 *
 * ```ts
 * await interleave({ ...inThreads<string>(new URL('./flow.ts', import.meta.url)), uri, database, clients: 2, reset, check });
 * ```
 *
 * A thread lives as long as its client: a crash ends it. With `freshLives` each run has threads of its own.
 */
export function inThreads<T>(
  flowModule: URL,
  { clientOptions = {} }: ThreadOptions = {},
): Required<Pick<InterleaveOptions<T, FlowThread>, 'prepare' | 'flow' | 'dispose'>> {
  return {
    prepare: async ({ index, letter, life, uri, remote }, { databaseName: database }) => {
      const thread = new FlowThread({ index, letter, life, uri, database, clientOptions, flowModule: flowModule.href });
      remote(() => thread.sockets());
      try {
        await thread.ask('prepare', life);
      } catch (error) {
        await thread.end();
        throw error;
      }
      return thread;
    },
    // The thread answers with what the flow of its module returned.
    flow: async ({ life }, _db, thread) => (await thread.ask('flow', life)) as T,
    dispose: (thread) => thread.end(),
  };
}

/** A thread in which the flow of one client runs. */
export class FlowThread {
  readonly #worker: Worker;
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>();
  #count = 0;
  #ended: Error | undefined;

  constructor(data: ThreadData) {
    this.#worker = new Worker(THREAD_FILE, { workerData: data });
    this.#worker.on('message', (answer: Answer) => this.#answered(answer));
    this.#worker.on('error', (error: Error) => this.#over(error));
    this.#worker.on('exit', () => this.#over(new InterleaveError('stopped', `The thread of ${data.letter} ended.`)));
  }

  ask(kind: Question['kind'], life = 0): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const answer = Promise.withResolvers<unknown>();
    const question: Question = { id: this.#count++, kind, life };
    this.#asked.set(question.id, answer);
    this.#worker.postMessage(question);
    return answer.promise;
  }

  /** Its ends of connections; none after it has ended. */
  async sockets(): Promise<readonly ClientSocket[]> {
    if (this.#ended !== undefined) return [];
    return (await this.ask('sockets').catch(() => [])) as readonly ClientSocket[];
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #answered(answer: Answer): void {
    const asked = this.#asked.get(answer.id);
    this.#asked.delete(answer.id);
    if (!('error' in answer)) asked?.resolve(answer.value);
    else asked?.reject(answer.error instanceof Error ? Object.assign(answer.error, answer.fields) : answer.error);
  }

  #over(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#asked.values()) reject(this.#ended);
    this.#asked.clear();
  }
}
