import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Observer } from '../system/flow.ts';
import type { Operation } from '../system/history.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { CallRecorder, Invocation, Recorder, Waited } from './recorder.ts';

/*
 * How a process of callers tells its parent what happens, as soon as it happens: a process that is killed can't tell any more. Written
 * synchronously, so that a call is known before its first command, and read to the end when the process is gone.
 */

/** A line, as JSON. Calls have numbers in the journal. */
type Line<T extends SystemTypes> =
  | { readonly invoked: number; readonly invocation: Invocation<T> }
  | {
      readonly answered: number;
      readonly answer: Operation<T>['answer'];
      readonly atMs: number;
      readonly waited?: Waited;
    }
  | { readonly claim: T['claim'] }
  | { readonly event: 'conflicted' | 'lostRace' | 'done' };

/** The writing end, in the process of callers. */
export class JournalWriter<T extends SystemTypes> implements Observer<T>, CallRecorder<T> {
  readonly #fd: number;
  readonly #numbers = new Map<Invocation<T>, number>();
  #last = 0;

  /** @param fd of a pipe whose other end a {@link readJournal} has */
  constructor(fd: number) {
    this.#fd = fd;
  }

  invoke(invocation: Invocation<T>): void {
    this.#numbers.set(invocation, ++this.#last);
    this.#write({ invoked: this.#last, invocation });
  }

  answer(invocation: Invocation<T>, answer: Operation<T>['answer'], atMs: number, waited?: Waited): void {
    const answered = this.#numbers.get(invocation);
    if (answered === undefined) throw new Error('an answer came before its call');
    this.#numbers.delete(invocation);
    this.#write({ answered, answer, atMs, ...(waited === undefined ? {} : { waited }) });
  }

  claimed(claim: T['claim']): void {
    this.#write({ claim });
  }

  conflicted(): void {
    this.#write({ event: 'conflicted' });
  }

  lostRace(): void {
    this.#write({ event: 'lostRace' });
  }

  /** All calls have been answered, and nothing goes on. */
  done(): void {
    this.#write({ event: 'done' });
  }

  #write(line: Line<T>): void {
    writeSync(this.#fd, `${JSON.stringify(line)}\n`);
  }
}

/**
 * The reading end, in the parent.
 *
 * @param recorder which one a line is for, at the moment when it is read
 * @returns resolves when the process is gone and all that it wrote has been read
 */
export async function readJournal<T extends SystemTypes>(
  journal: Readable,
  recorder: () => Recorder<T>,
  done: () => void,
): Promise<void> {
  const invocations = new Map<number, Invocation<T>>();
  for await (const text of createInterface({ input: journal })) {
    const line = parse<T>(text);
    if (line === undefined) continue;
    if ('invoked' in line) {
      invocations.set(line.invoked, line.invocation);
      recorder().invoke(line.invocation);
    } else if ('answered' in line) {
      const invocation = invocations.get(line.answered);
      invocations.delete(line.answered);
      if (invocation !== undefined) recorder().answer(invocation, line.answer, line.atMs, line.waited);
    } else if ('claim' in line) recorder().claimed(line.claim);
    else if (line.event === 'conflicted') recorder().conflicted();
    else if (line.event === 'lostRace') recorder().lostRace();
    else done();
  }
}

/** The last line of a killed process may be cut off: its call was not made, or its answer never reached a caller. */
function parse<T extends SystemTypes>(text: string): Line<T> | undefined {
  try {
    return JSON.parse(text) as Line<T>;
  } catch {
    return undefined;
  }
}
