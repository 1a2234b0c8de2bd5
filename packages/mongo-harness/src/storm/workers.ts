import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ProgramError } from '../exec/program-error.ts';
import { RowError } from '../report/failure.ts';
import type { History } from '../system/history.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { FromWorker, ToWorker, WorkerTask } from './messages.ts';

/** A source in the repository, JavaScript in the published package. */
const WORKER_FILE = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? 'worker.ts' : 'worker.js', import.meta.url),
);

/** A worker that serves calls also reads its messages; on a busy machine it takes its time. */
const MAX_REPORT_MS = 5_000;

/** The worker processes of storms. They are started when first needed, and kept for the next storm. */
export class Workers<T extends SystemTypes> implements AsyncDisposable {
  readonly #module: string;
  readonly #children: ChildProcess[] = [];

  /** @param module whose default export is the system; each worker loads it */
  constructor(module: string) {
    this.#module = module;
  }

  /**
   * Gives each task a process of its own with its connections open, which may take seconds.
   *
   * @returns lets them all begin at the same moment; their times count from the instant that it gets, see {@link ToWorker}
   * @throws what a worker failed with
   */
  async prepare(
    tasks: readonly WorkerTask<T>[],
    signal: AbortSignal,
  ): Promise<(originNs: string) => Promise<History<T>[]>> {
    signal.throwIfAborted();
    while (this.#children.length < tasks.length)
      this.#children.push(fork(WORKER_FILE, [this.#module], { stdio: ['ignore', 2, 2, 'ipc'] }));
    const workers = tasks.map((task, index) => ({ task, child: this.#children[index] as ChildProcess }));

    const everyReady = Promise.all(workers.map(({ child }) => answerOf<T, 'ready'>(child, 'ready', signal)));
    for (const { child, task } of workers) tell(child, { kind: 'prepare', task });
    await everyReady;

    return async (originNs) => {
      signal.throwIfAborted();
      const everyDone = Promise.all(workers.map(({ child }) => answerOf<T, 'done'>(child, 'done', signal)));
      for (const { child } of workers) tell(child, { kind: 'go', originNs });
      return (await everyDone).map(({ history }) => history);
    };
  }

  /** Lets those callers begin that wait for the end of the round's fault. */
  mended(): void {
    for (const child of this.#children) tell(child, { kind: 'mended' });
  }

  /** One worker makes these calls until each is served. @returns what it was answered */
  async probe(
    message: Omit<Extract<ToWorker<T>, { kind: 'probe' }>, 'kind'>,
    signal: AbortSignal,
  ): Promise<History<T>[]> {
    signal.throwIfAborted();
    const [child] = this.#children;
    if (child === undefined) throw new Error('probe came before prepare');
    const done = answerOf<T, 'done'>(child, 'done', signal);
    tell(child, { kind: 'probe', ...message });
    return [(await done).history];
  }

  /**
   * Ends all workers in the middle of a run. Calls under way stay without answer, and may have been done or not.
   *
   * @returns what each worker saw until then
   * @throws TimeoutError where a worker does not say so within 5 s
   */
  async cutOff(): Promise<History<T>[]> {
    const signal = AbortSignal.timeout(MAX_REPORT_MS);
    const reports = Promise.all(this.#children.map((child) => answerOf<T, 'done'>(child, 'done', signal)));
    for (const child of this.#children) tell(child, { kind: 'stop' });
    try {
      return (await reports).map(({ history }) => history);
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }

  /** Ends all workers at once; the next run starts new ones. */
  async [Symbol.asyncDispose](): Promise<void> {
    const ending = this.#children
      .splice(0)
      .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
      .map(async (child) => {
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        await exited;
      });
    await Promise.all(ending);
  }
}

const tell = <T extends SystemTypes>(child: ChildProcess, message: ToWorker<T>): void => {
  child.send(message);
};

type Answer<T extends SystemTypes, K extends FromWorker<T>['kind']> = Extract<FromWorker<T>, { kind: K }>;

function answerOf<T extends SystemTypes, K extends FromWorker<T>['kind']>(
  child: ChildProcess,
  kind: K,
  signal: AbortSignal,
): Promise<Answer<T, K>> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer<T, K>>();
  const onMessage = (message: FromWorker<T>): void => {
    if (message.kind === kind) resolve(message as Answer<T, K>);
    else if (message.kind === 'failed')
      reject(
        message.programError === undefined
          ? new RowError({ ...message.failure, reason: `a worker failed: ${message.failure.reason}` })
          : new ProgramError(message.programError),
      );
  };
  const onExit = (): void => reject(new Error('a worker process ended in the middle of a run'));
  const onAbort = (): void => reject(signal.reason as Error);
  child.on('message', onMessage);
  child.on('exit', onExit);
  signal.addEventListener('abort', onAbort, { once: true });
  return promise.finally(() => {
    child.off('message', onMessage);
    child.off('exit', onExit);
    signal.removeEventListener('abort', onAbort);
  });
}
