import { once } from 'node:events';
import type { ToldOutcome } from '../../history.ts';
import { parseAnswer, type CallLine } from './answer.ts';
import { spawnProgram, type ProgramPlace, type SpawnedProgram } from './spawn-program.ts';

/** How long a program may take to end when its input has ended; then it is killed. */
const END_MAX_MS = 2_000;
const LINE_LENGTH_MAX = 100_000;
const LAST_LINES_MAX = 5;
const LAST_TEXT_MAX = 2_000;

interface OpenCall {
  readonly id: number;
  readonly settle: (outcome: ToldOutcome) => void;
}

/** A running program that answers one call at a time. */
export class Program {
  readonly #spawned: SpawnedProgram;
  readonly #closed: Promise<unknown>;
  #call: OpenCall | undefined;
  #calls = 0;
  #lines = 0;
  #partialLine = '';
  #lastErrors = '';
  /** Why it answers no more calls. */
  #failure: ToldOutcome | undefined;

  constructor(command: string, place: ProgramPlace) {
    this.#spawned = spawnProgram(command, place);
    const { child, stdout, stderr } = this.#spawned;
    this.#closed = once(child, 'close').catch((error: unknown) => this.#fail('program-ended', String(error)));
    stdout.setEncoding('utf8').on('data', (chunk: string) => this.#read(chunk));
    stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.#lastErrors = (this.#lastErrors + chunk).slice(-LAST_TEXT_MAX);
    });
    child.once('close', (code: number | null, signal: NodeJS.Signals | null) => {
      const how = signal === null ? `with exit code ${String(code)}` : `by ${signal}`;
      const when = this.#call === undefined ? 'though its input had not' : `before it answered call ${this.#calls}`;
      this.#fail('program-ended', `the program ended ${how} ${when}${this.#lastWords()}`);
    });
  }

  /** False when it has ended or broken the protocol; it is killed then. */
  get isUsable(): boolean {
    return this.#failure === undefined;
  }

  /**
   * Makes one call; none other may be open. A program that fails gives an outcome, too, and is killed: `error`, with code `program-ended`,
   * `program-wrong` (a line that is no answer) or `program-silent`.
   *
   * @param limitMs how long it may take; none where somebody else watches over the time
   */
  async rotate(pool: string, key: string, limitMs?: number): Promise<ToldOutcome> {
    if (this.#call !== undefined) throw new TypeError('a program answers one call at a time');
    if (this.#failure !== undefined) return this.#failure;
    const id = ++this.#calls;
    const line: CallLine = { op: 'rotate', id, pool, key };
    const { promise, resolve } = Promise.withResolvers<ToldOutcome>();
    this.#call = { id, settle: resolve };
    this.#spawned.stdin.write(`${JSON.stringify(line)}\n`);
    if (limitMs === undefined) return promise;
    const silent = `the program did not answer call ${id} within ${limitMs} ms`;
    const timer = setTimeout(() => this.#fail('program-silent', silent + this.#lastWords()), limitMs);
    return promise.finally(() => clearTimeout(timer));
  }

  /** Ends its input and waits for its end; kills it, and what it has started, when it takes longer than 2 s. */
  async end(): Promise<void> {
    const { stdin, killAll } = this.#spawned;
    stdin.end();
    const timer = setTimeout(killAll, END_MAX_MS);
    await this.#closed;
    clearTimeout(timer);
  }

  /** Kills it with all that it has started. An open call is never answered: its caller is as dead as the program. */
  async kill(): Promise<void> {
    this.#call = undefined;
    this.#spawned.killAll();
    await this.#closed;
  }

  #read(chunk: string): void {
    const lines = (this.#partialLine + chunk).split('\n');
    this.#partialLine = lines.pop() ?? '';
    for (const line of lines) this.#readLine(line);
    if (this.#partialLine.length > LINE_LENGTH_MAX) this.#complain(`is longer than ${LINE_LENGTH_MAX} characters`);
  }

  #readLine(line: string): void {
    this.#lines++;
    if (this.#failure !== undefined) return;
    if (this.#call === undefined) {
      this.#complain('came when no call was open; answer each call once');
      return;
    }
    const answer = parseAnswer(line, this.#call.id);
    if (answer.kind === 'wrong') this.#complain(answer.complaint);
    else this.#settle(answer.outcome);
  }

  #complain(complaint: string): void {
    this.#fail('program-wrong', `line ${Math.max(1, this.#lines)} of the program's output ${complaint}`);
  }

  #fail(code: `program-${'ended' | 'wrong' | 'silent'}`, message: string): void {
    this.#failure ??= { kind: 'error', code, message };
    this.#settle(this.#failure);
    this.#spawned.killAll();
  }

  #settle(outcome: ToldOutcome): void {
    const call = this.#call;
    this.#call = undefined;
    call?.settle(outcome);
  }

  #lastWords(): string {
    const lines = this.#lastErrors.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
    return lines.length === 0 ? '' : `; it last said: ${lines.slice(-LAST_LINES_MAX).join(' | ')}`;
  }
}
