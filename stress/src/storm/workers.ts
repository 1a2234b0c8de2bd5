import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { History } from '../history.ts';
import { ProgramError } from '../subjects/exec/program-error.ts';
import type { FromWorker, ToWorker, WorkerTask } from './messages.ts';

const WORKER_FILE = fileURLToPath(new URL('worker.ts', import.meta.url));

/** The worker processes of a stress run. They are started when first needed, and kept for the next run. */
export class Workers implements AsyncDisposable {
  readonly #children: ChildProcess[] = [];

  /**
   * Gives each task a process of its own with its connections open, which may take seconds.
   *
   * @returns lets them all begin at the same moment
   * @throws what a worker failed with
   */
  async prepare(tasks: readonly WorkerTask[], signal: AbortSignal): Promise<() => Promise<History[]>> {
    signal.throwIfAborted();
    while (this.#children.length < tasks.length)
      this.#children.push(fork(WORKER_FILE, { stdio: ['ignore', 2, 2, 'ipc'] }));
    const workers = tasks.map((task, index) => ({ task, child: this.#children[index] as ChildProcess }));

    const everyReady = Promise.all(workers.map(({ child }) => answerOf(child, 'ready', signal)));
    for (const { child, task } of workers) tell(child, { kind: 'prepare', task });
    await everyReady;

    return async () => {
      signal.throwIfAborted();
      const everyDone = Promise.all(workers.map(({ child }) => answerOf(child, 'done', signal)));
      const originNs = process.hrtime.bigint().toString();
      for (const { child } of workers) tell(child, { kind: 'go', originNs });
      return (await everyDone).map(({ history }) => history);
    };
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

const tell = (child: ChildProcess, message: ToWorker): void => {
  child.send(message);
};

type Answer<K extends FromWorker['kind']> = Extract<FromWorker, { kind: K }>;

function answerOf<K extends FromWorker['kind']>(child: ChildProcess, kind: K, signal: AbortSignal): Promise<Answer<K>> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer<K>>();
  const onMessage = (message: FromWorker): void => {
    if (message.kind === kind) resolve(message as Answer<K>);
    else if (message.kind === 'failed')
      reject(
        message.isProgramError ? new ProgramError(message.message) : new Error(`a worker failed: ${message.message}`),
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
