import { once } from 'node:events';
import type { Protocol } from '../system/protocol.ts';
import type { NoAnswer, SystemTypes } from '../system/system-types.ts';
import { parseAnswer } from './parse-answer.ts';
import { spawnProgram, type ProgramPlace, type SpawnedProgram } from './spawn-program.ts';

/** How long a program may take to end when its input has ended; then it is killed. */
const MAX_END_MS = 2_000;
const MAX_LINE_LENGTH = 100_000;
const MAX_LAST_LINES = 5;
const MAX_LAST_TEXT = 2_000;

type Answer<T extends SystemTypes> = T['answer'] | NoAnswer;

/** A running program. It answers one call at a time, unless it has said that it takes more. */
export class Program<T extends SystemTypes> {
  readonly #protocol: Protocol<T>;
  readonly #spawned: SpawnedProgram;
  readonly #closed: Promise<unknown>;
  /** By id: what settles the call. */
  readonly #open = new Map<number, (answer: Answer<T>) => void>();
  readonly #ready = Promise.withResolvers<void>();
  #maxCalls = 1;
  #isReady = false;
  #calls = 0;
  #lines = 0;
  #partialLine = '';
  #lastErrors = '';
  /** Why it answers no more calls. */
  #failure: NoAnswer | undefined;

  constructor(command: string, place: ProgramPlace, protocol: Protocol<T>) {
    this.#protocol = protocol;
    this.#spawned = spawnProgram(command, place);
    const { child, stdout, stderr } = this.#spawned;
    this.#closed = once(child, 'close').catch((error: unknown) => this.#fail('program-ended', String(error)));
    stdout.setEncoding('utf8').on('data', (chunk: string) => this.#read(chunk));
    stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.#lastErrors = (this.#lastErrors + chunk).slice(-MAX_LAST_TEXT);
    });
    child.once('close', (code: number | null, signal: NodeJS.Signals | null) => {
      const how = signal === null ? `with exit code ${String(code)}` : `by ${signal}`;
      const [first] = this.#open.keys();
      const when = first === undefined ? 'though its input had not' : `before it answered call ${first}`;
      this.#fail('program-ended', `the program ended ${how} ${when}${this.#lastWords()}`);
    });
  }

  /** False when it has ended or broken the protocol; it is killed then. */
  get isUsable(): boolean {
    return this.#failure === undefined;
  }

  /** How many calls it takes at once: 1, unless it has said so in its line `ready`. */
  get maxCalls(): number {
    return this.#maxCalls;
  }

  /** Has it said that it is ready? A program need not. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Calls under way. */
  get openCalls(): number {
    return this.#open.size;
  }

  /** Waits until the program has said that it is ready, or has failed. For programs that say so. */
  ready(): Promise<void> {
    return this.#ready.promise;
  }

  /**
   * Makes one call; no more than `maxCalls` should be open. A program that fails gives the answer `error` and is killed. The code is
   * `program-ended`, `program-wrong` (a line that is no answer) or `program-silent`.
   *
   * @param maxMs how long the answer may take. Default: no limit
   */
  async call(call: T['call'], service: T['service'], maxMs?: number): Promise<Answer<T>> {
    if (this.#failure !== undefined) return this.#failure;
    const id = ++this.#calls;
    const { promise, resolve } = Promise.withResolvers<Answer<T>>();
    this.#open.set(id, resolve);
    this.#spawned.stdin.write(`${JSON.stringify({ id, ...this.#protocol.toLine(call, service) })}\n`);
    if (maxMs === undefined) return promise;
    const silent = `the program did not answer call ${id} within ${maxMs} ms`;
    const timer = setTimeout(() => this.#fail('program-silent', silent + this.#lastWords()), maxMs);
    return promise.finally(() => clearTimeout(timer));
  }

  /** Ends its input and waits for its end; kills it, and what it has started, when it takes longer than 2 s. */
  async end(): Promise<void> {
    const { stdin, killAll } = this.#spawned;
    stdin.end();
    const timer = setTimeout(killAll, MAX_END_MS);
    await this.#closed;
    clearTimeout(timer);
  }

  /** Kills it with all that it has started. An open call is never answered: its caller is as dead as the program. */
  async kill(): Promise<void> {
    this.#open.clear();
    this.#spawned.killAll();
    await this.#closed;
  }

  #read(chunk: string): void {
    const lines = (this.#partialLine + chunk).split('\n');
    this.#partialLine = lines.pop() ?? '';
    for (const line of lines) this.#readLine(line);
    if (this.#partialLine.length > MAX_LINE_LENGTH) this.#complain(`is longer than ${MAX_LINE_LENGTH} characters`);
  }

  #readLine(line: string): void {
    this.#lines++;
    if (this.#failure !== undefined) return;
    const said = parseAnswer(this.#protocol, line, [...this.#open.keys()]);
    switch (said.kind) {
      case 'wrong':
        return this.#complain(said.complaint);
      case 'ready':
        if (this.#lines > 1) return this.#complain('says ready, which only the first line may');
        this.#isReady = true;
        this.#maxCalls = said.maxCalls;
        return this.#ready.resolve();
      case 'answer':
        return this.#settle(said.id, said.answer);
    }
  }

  #complain(complaint: string): void {
    this.#fail('program-wrong', `line ${Math.max(1, this.#lines)} of the program's output ${complaint}`);
  }

  #fail(code: `program-${'ended' | 'wrong' | 'silent'}`, message: string): void {
    this.#failure ??= { kind: 'error', code, message };
    for (const id of this.#open.keys()) this.#settle(id, this.#failure);
    this.#ready.resolve();
    this.#spawned.killAll();
  }

  #settle(id: number, answer: Answer<T>): void {
    const settle = this.#open.get(id);
    this.#open.delete(id);
    settle?.(answer);
  }

  #lastWords(): string {
    const lines = this.#lastErrors.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
    return lines.length === 0 ? '' : `; it last said: ${lines.slice(-MAX_LAST_LINES).join(' | ')}`;
  }
}
