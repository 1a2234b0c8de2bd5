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

interface OpenCall<T extends SystemTypes> {
  readonly id: number;
  readonly settle: (answer: Answer<T>) => void;
}

/** A running program that answers one call at a time. */
export class Program<T extends SystemTypes> {
  readonly #protocol: Protocol<T>;
  readonly #spawned: SpawnedProgram;
  readonly #closed: Promise<unknown>;
  #openCall: OpenCall<T> | undefined;
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
      const when = this.#openCall === undefined ? 'though its input had not' : `before it answered call ${this.#calls}`;
      this.#fail('program-ended', `the program ended ${how} ${when}${this.#lastWords()}`);
    });
  }

  /** False when it has ended or broken the protocol; it is killed then. */
  get isUsable(): boolean {
    return this.#failure === undefined;
  }

  /**
   * Makes one call; no other call may be open. A program that fails gives the answer `error` and is killed. The code is
   * `program-ended`, `program-wrong` (a line that is no answer) or `program-silent`.
   *
   * @param maxMs how long the answer may take. Default: no limit
   */
  async call(call: T['call'], service: T['service'], maxMs?: number): Promise<Answer<T>> {
    if (this.#openCall !== undefined) throw new TypeError('a program answers one call at a time');
    if (this.#failure !== undefined) return this.#failure;
    const id = ++this.#calls;
    const { promise, resolve } = Promise.withResolvers<Answer<T>>();
    this.#openCall = { id, settle: resolve };
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
    this.#openCall = undefined;
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
    if (this.#openCall === undefined) {
      this.#complain('came when no call was open; answer each call once');
      return;
    }
    const answer = parseAnswer(this.#protocol, line, this.#openCall.id);
    if (answer.kind === 'wrong') this.#complain(answer.complaint);
    else this.#settle(answer.answer);
  }

  #complain(complaint: string): void {
    this.#fail('program-wrong', `line ${Math.max(1, this.#lines)} of the program's output ${complaint}`);
  }

  #fail(code: `program-${'ended' | 'wrong' | 'silent'}`, message: string): void {
    this.#failure ??= { kind: 'error', code, message };
    this.#settle(this.#failure);
    this.#spawned.killAll();
  }

  #settle(answer: Answer<T>): void {
    const call = this.#openCall;
    this.#openCall = undefined;
    call?.settle(answer);
  }

  #lastWords(): string {
    const lines = this.#lastErrors.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
    return lines.length === 0 ? '' : `; it last said: ${lines.slice(-MAX_LAST_LINES).join(' | ')}`;
  }
}
