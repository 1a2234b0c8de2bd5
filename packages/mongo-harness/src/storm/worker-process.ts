import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { ProgramError } from '../exec/program-error.ts';
import { readJournal } from '../history/journal.ts';
import { Recorder } from '../history/recorder.ts';
import { RowError } from '../report/failure.ts';
import type { History } from '../system/history.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { JOURNAL_FD, type FromWorker, type ToWorker } from './messages.ts';

/** A source in the repository, JavaScript in the published package. */
const WORKER_FILE = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? 'worker.ts' : 'worker.js', import.meta.url),
);

/** SIGCONT comes also when this process has died meanwhile: a frozen worker does not see that. */
const FREEZE = 'kill -STOP $1; sleep $2; kill -CONT $1';

/** A worker process, as its parent sees it. Kept from storm to storm. */
export class WorkerProcess<T extends SystemTypes> {
  readonly #child: ChildProcess;
  /** Resolves when the process is gone and its journal is read. */
  readonly #gone: Promise<void>;
  readonly #onCall: () => void;
  #recorder: Recorder<T>;
  #ready = Promise.withResolvers<void>();
  #done = Promise.withResolvers<void>();

  /** @param module whose default export is the system @param onCall a call was made or answered */
  constructor(module: string, onCall: () => void) {
    this.#onCall = onCall;
    this.#recorder = new Recorder<T>(onCall);
    this.#child = fork(WORKER_FILE, [module], { stdio: ['ignore', 2, 2, 'pipe', 'ipc'] });
    const journal = this.#child.stdio[JOURNAL_FD] as Readable;
    this.#gone = readJournal(
      journal,
      () => this.#recorder,
      () => this.#done.resolve(),
    );
    this.#child.on('message', (message: FromWorker) => this.#received(message));
    this.#child.on('exit', () => this.#fail(new Error('a worker process ended in the middle of a run')));
    for (const { promise } of [this.#ready, this.#done]) promise.catch(() => undefined);
  }

  #received(message: FromWorker): void {
    if (message.kind === 'ready') this.#ready.resolve();
    else
      this.#fail(
        message.programError === undefined
          ? new RowError({ ...message.failure, reason: `a worker failed: ${message.failure.reason}` })
          : new ProgramError(message.programError),
      );
  }

  #fail(error: Error): void {
    this.#ready.reject(error);
    this.#done.reject(error);
  }

  /** @returns resolves when the worker is ready for its task @throws what it failed with */
  async prepare({ task, warmUp }: Omit<Extract<ToWorker<T>, { kind: 'prepare' }>, 'kind'>): Promise<void> {
    this.#ready = Promise.withResolvers<void>();
    this.#ready.promise.catch(() => undefined);
    this.tell({ kind: 'prepare', task, warmUp });
    await this.#ready.promise;
  }

  /** Makes calls. @returns what happened @throws what it failed with, or that it was killed */
  async run(message: Extract<ToWorker<T>, { kind: 'go' | 'probe' }>): Promise<History<T>> {
    this.#recorder = new Recorder<T>(this.#onCall);
    this.#done = Promise.withResolvers<void>();
    this.#done.promise.catch(() => undefined);
    this.tell(message);
    await this.#done.promise;
    return this.history();
  }

  /** Calls without an answer so far. */
  get underWay(): number {
    return this.#recorder.underWay;
  }

  /** What happened so far. Whoever has no answer counts as crashed. */
  history(): History<T> {
    return this.#recorder.history('ms');
  }

  tell(message: ToWorker<T>): void {
    // Whether the worker still lives is told by its end.
    this.#child.send(message, () => undefined);
  }

  /** Sends SIGKILL, and resolves when all is known that happened before. */
  async kill(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) {
      const exited = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await exited;
    }
    await this.#gone;
  }

  async freeze(frozenMs: number, signal: AbortSignal): Promise<void> {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('the worker did not start');
    const options = { stdio: 'ignore', detached: true } as const;
    const freezer = spawn('sh', ['-c', FREEZE, 'sh', String(pid), String(frozenMs / 1_000)], options);
    const exited = once(freezer, 'exit');
    const thaw = (): void => {
      if (freezer.pid !== undefined) process.kill(-freezer.pid, 'SIGKILL');
      this.#child.kill('SIGCONT');
    };
    signal.addEventListener('abort', thaw, { once: true });
    if (signal.aborted) thaw();
    await exited;
    signal.removeEventListener('abort', thaw);
  }
}
