import { mergeHistories } from '../history/recorder.ts';
import type { CallerProcesses, Impatience } from '../nemesis/fault-method.ts';
import type { History } from '../system/history.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { Probe, ToWorker, WorkerTask } from './messages.ts';
import { WorkerProcess } from './worker-process.ts';

/** A task, and who works at it. */
interface Place<T extends SystemTypes> {
  task: WorkerTask<T>;
  worker: WorkerProcess<T>;
  /** What killed workers of this place have seen. */
  readonly before: History<T>[];
  /** Settles when the worker that takes over is ready; `undefined` while nobody was killed. */
  takeover: Promise<void> | undefined;
}

/** The worker processes of storms. They are started when first needed, and kept for the next storm. */
export class Workers<T extends SystemTypes> implements CallerProcesses, AsyncDisposable {
  readonly #module: string;
  readonly #idle: WorkerProcess<T>[] = [];
  #places: Place<T>[] = [];
  #nextNumber = 0;
  #spares = 0;
  /** What all workers of the run were told, which whoever takes over must be told too. */
  #told: ToWorker<T>[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #onCall = (): void => {
    for (const listener of this.#listeners) listener();
  };

  /** @param module whose default export is the system; each worker loads it */
  constructor(module: string) {
    this.#module = module;
  }

  /** Of the workers of the storm under way. */
  get numbers(): readonly number[] {
    return this.#places.map(({ task }) => task.process);
  }

  /** Calls without an answer so far, as far as this process knows. @param process all of them by default */
  underWay(process?: number): number {
    const places = process === undefined ? this.#places : this.#places.filter(({ task }) => task.process === process);
    return places.reduce((sum, { worker }) => sum + worker.underWay, 0);
  }

  /**
   * From now on so many processes are ready beside those that work, to take over for killed ones at once: a busy machine may take long to
   * start one.
   */
  keepSpares(count: number): void {
    this.#spares = count;
  }

  /** @param listener called whenever a call was made or answered @returns ends that */
  onCall(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Gives each task a process of its own with its connections open, which may take seconds.
   *
   * @returns lets them all begin at the same moment; times count from the instant that it is given
   * @throws what a worker failed with
   */
  async prepare(
    tasks: readonly WorkerTask<T>[],
    signal: AbortSignal,
  ): Promise<(originNs: string) => Promise<History<T>[]>> {
    signal.throwIfAborted();
    this.#release();
    this.#told = [];
    this.#nextNumber = tasks.length;
    this.#places = tasks.map((task) => ({ task, worker: this.#take(), before: [], takeover: undefined }));
    this.#startSpares();
    const ready = Promise.all(this.#places.map(({ worker, task }) => worker.prepare({ task, warmUp: true })));
    await orAborted(ready, signal);
    return async (originNs) => {
      signal.throwIfAborted();
      return await orAborted(Promise.all(this.#places.map((place) => this.#runTask(place, originNs))), signal);
    };
  }

  /** Works at a task to its end, whoever has to take it over meanwhile. */
  async #runTask(place: Place<T>, originNs: string): Promise<History<T>> {
    for (;;) {
      const { worker, takeover } = place;
      try {
        const history = await worker.run({ kind: 'go', originNs });
        return mergeHistories([...place.before, history]);
      } catch (error) {
        // By somebody else than `kill`.
        if (place.takeover === takeover) throw error;
        await place.takeover;
      }
    }
  }

  async kill(process: number): Promise<void> {
    const place = this.#placeOf(process);
    const { worker } = place;
    place.takeover = (async () => {
      await worker.kill();
      place.before.push(worker.history());
      const made = new Set(worker.history().operations.map(({ caller }) => caller));
      const calls = place.task.calls.filter(({ caller }) => !made.has(caller));
      place.task = { ...place.task, process: this.#nextNumber++, calls };
      place.worker = this.#take();
      this.#startSpares();
      // Other faults may last meanwhile, which its calls are to meet.
      await place.worker.prepare({ task: place.task, warmUp: false });
      for (const message of this.#told) place.worker.tell(message);
    })();
    await place.takeover;
  }

  freeze(process: number, frozenMs: number, signal: AbortSignal): Promise<void> {
    return this.#placeOf(process).worker.freeze(frozenMs, signal);
  }

  /** Lets the callers of a wave come, from that instant of the run on. */
  begin(wave: number, atMs: number): void {
    this.#tell({ kind: 'wave', wave, atMs });
  }

  /** Lets all callers come that have not come so far: the faults of the round are over. */
  mended(atMs: number): void {
    this.#tell({ kind: 'mended', atMs });
  }

  setImpatience(impatience: Impatience | undefined): void {
    this.#tell({ kind: 'patience', ...(impatience === undefined ? {} : { impatience }) });
  }

  #tell(message: ToWorker<T>): void {
    this.#told.push(message);
    for (const { worker } of this.#places) worker.tell(message);
  }

  /** One worker makes these calls until each is served. @returns what it was answered */
  async probe(probe: Probe<T>, signal: AbortSignal): Promise<History<T>> {
    const [place] = this.#places;
    if (place === undefined) throw new Error('probe came before prepare');
    return await orAborted(place.worker.run({ kind: 'probe', ...probe }), signal);
  }

  /**
   * Ends all workers in the middle of a run. Calls under way stay without answer, and may have been done or not.
   *
   * @returns what each worker saw until then
   */
  async cutOff(): Promise<History<T>[]> {
    const places = this.#places;
    await this[Symbol.asyncDispose]();
    return places.map(({ before, worker }) => mergeHistories([...before, worker.history()]));
  }

  /** Ends all workers at once; the next run starts new ones. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#release();
    await Promise.all(this.#idle.splice(0).map((worker) => worker.kill()));
  }

  #placeOf(process: number): Place<T> {
    const place = this.#places.find(({ task }) => task.process === process);
    if (place === undefined) throw new Error(`there is no process ${process}`);
    return place;
  }

  #take(): WorkerProcess<T> {
    return this.#idle.pop() ?? this.#start();
  }

  #start(): WorkerProcess<T> {
    return new WorkerProcess<T>(this.#module, this.#onCall);
  }

  #startSpares(): void {
    while (this.#idle.length < this.#spares) this.#idle.push(this.#start());
  }

  #release(): void {
    this.#idle.push(...this.#places.splice(0).map(({ worker }) => worker));
  }
}

/** @throws the signal's reason as soon as it fires */
async function orAborted<R>(work: Promise<R>, signal: AbortSignal): Promise<R> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
    // Told to who waited for it, or to nobody.
    work.catch(() => undefined);
  }
}
