import { dependent, type Footprint } from '../footprint/footprint.ts';
import { errorCode } from '../footprint/transactions.ts';
import { contentOf } from '../gate/content.ts';
import type { HeldCommand } from '../gate/held-command.ts';
import { commandText, type Fields } from '../gate/message.ts';

/** A longer cycle of commands is not seen as a loop. */
const MAX_PERIOD = 12;

/** One command of a loop, and its reply. */
interface LoopStep {
  readonly client: number;
  /** Command and collection, such as `find locks`. */
  readonly name: string;
  readonly body: Fields;
  /** Undefined if the command was not sent. */
  readonly reply: Fields | undefined;
}

/** Commands that a client has sent, and that it is about to send again though nothing that they read has changed. */
export interface Loop {
  readonly client: number;
  readonly steps: readonly LoopStep[];
  /** The last step before the loop began, as text: a flow may have the same commands in two loops. */
  readonly before: string;
}

interface Done extends LoopStep {
  readonly footprint: Footprint;
  /** The session, if the command belongs to a transaction. */
  readonly transaction: string | undefined;
  /** The command ended its transaction, and nothing of it was kept. */
  readonly isRolledBack: boolean;
}

/**
 * Finds the loops of one run (await, or spin detection). A client that sends a command again gets the reply that it got before, unless
 * another client has changed meanwhile what the command reads. So a client that only repeats itself can as well wait for that change, and
 * the runs in which it polls once more, twice more and so on need not be explored. After "Awaiting for Godot: Stateless Model Checking that
 * Avoids Executions where Nothing Happens" (Jonsson, Lång, Sagonas and others, Formal Methods in System Design 67, 2025).
 */
export class LoopWatch {
  readonly #done: Done[] = [];

  /** To be called with each step of the run, in order. */
  record(command: HeldCommand, reply: Fields | undefined, footprint: Footprint): void {
    const { client, name, body } = command;
    const isEnd = name === 'commitTransaction' || name === 'abortTransaction';
    const hasFailed = reply === undefined || errorCode(reply) !== undefined;
    this.#done.push({
      client,
      name: commandText(command.body),
      body,
      reply,
      footprint,
      transaction: body['autocommit'] === false ? JSON.stringify(body['lsid']) : undefined,
      isRolledBack: name === 'abortTransaction' || (hasFailed && (isEnd || body['autocommit'] === false)),
    });
  }

  /** The loops that the client may be in if this is its next command, the shortest first. */
  loopsAt(command: HeldCommand): Loop[] {
    const { client, body } = command;
    const name = commandText(command.body);
    const loops: Loop[] = [];
    const steps: Done[] = [];
    for (let index = this.#done.length - 1; index >= 0 && steps.length < MAX_PERIOD; index--) {
      const step = this.#done[index];
      if (step?.client !== client) continue;
      steps.unshift(step);
      // What came later decides whether this step was rolled back, and a longer loop has the same later steps.
      if (changes(step, steps) || this.#hasChanged(index, step)) break;
      // Texts are made only of what may be equal: documents may be many.
      if (step.name !== name || textOf(step.body) !== textOf(body)) continue;
      if (!loops.some((shorter) => isMultipleOf(steps, shorter)))
        loops.push({ client, steps: [...steps], before: this.#stepBefore(client, steps) });
    }
    return loops;
  }

  /** The commands that the client sends over and over, as its last steps show; its last command if they show no cycle. */
  cycleOf(client: number): string[] {
    const names = this.#done.filter((step) => step.client === client).map(({ name }) => name);
    for (let period = 1; period <= MAX_PERIOD; period++) {
      const tail = names.slice(-2 * period);
      const isCycle = tail.length === 2 * period && tail.every((name, at) => name === tail[at % period]);
      if (isCycle) return tail.slice(0, period);
    }
    return names.slice(-1);
  }

  /** @param loop the last steps of the client */
  #stepBefore(client: number, loop: readonly LoopStep[]): string {
    const own = this.#done.filter((step) => step.client === client);
    const last = own.findLastIndex((step, index) => {
      const place = (index - own.length) % loop.length;
      return textOf(step.body) !== textOf(loop.at(place)?.body ?? {});
    });
    const step = own[last];
    return step === undefined ? '' : `${textOf(step.body)} ${step.reply === undefined ? '' : textOf(step.reply)}`;
  }

  /** Has another client changed since then what this step read? */
  #hasChanged(index: number, { client, footprint }: Done): boolean {
    return this.#done
      .slice(index + 1)
      .some((other) => other.client !== client && mayChange(other.footprint) && dependent(other.footprint, footprint));
  }
}

/** Is the client's next command the one that the loop has at this place? */
export const goesOn = ({ steps }: Loop, at: number, { body }: HeldCommand): boolean => {
  const step = steps[at % steps.length];
  return step !== undefined && textOf(step.body) === textOf(body);
};

/** Is this the reply that the loop has at this place? */
export const repliesAlike = ({ steps }: Loop, at: number, reply: Fields | undefined): boolean => {
  const step = steps[at % steps.length];
  return step?.reply !== undefined && reply !== undefined && textOf(step.reply) === textOf(reply);
};

/** Are these steps only several rounds of a shorter loop? */
const isMultipleOf = (steps: readonly LoopStep[], { steps: shorter }: Loop): boolean =>
  steps.length % shorter.length === 0 &&
  steps.every((step, at) => {
    const { body, reply } = shorter[at % shorter.length] ?? {};
    return textOf(step.body) === textOf(body ?? {}) && textOf(step.reply ?? {}) === textOf(reply ?? {});
  });

/** Does this step leave anything changed? What is written in a transaction that is rolled back later in the same cycle does not count. */
function changes({ footprint, transaction, isRolledBack }: Done, rest: readonly Done[]): boolean {
  if (!mayChange(footprint) || isRolledBack) return footprint.isFault;
  return transaction === undefined || !rest.some((other) => other.isRolledBack && other.transaction === transaction);
}

const mayChange = ({ writes, movesSnapshot, everything, mayWrite, isFault }: Footprint): boolean =>
  writes.length > 0 || movesSnapshot || (everything && mayWrite) || isFault;

const texts = new WeakMap<Fields, string>();

/** A whole command or reply as text, without what differs each time. */
export function textOf(fields: Fields): string {
  const known = texts.get(fields);
  if (known !== undefined) return known;
  const text = contentOf(steady(fields));
  texts.set(fields, text);
  return text;
}

/** Without numbers of cursors and without times of the cluster, which differ each time. */
function steady(fields: Fields): Fields {
  const { readConcern, cursor, writeErrors } = fields;
  return {
    ...fields,
    ...('getMore' in fields ? { getMore: 'cursor' } : {}),
    ...(isDocument(readConcern) ? { readConcern: { ...readConcern, afterClusterTime: undefined } } : {}),
    ...(isDocument(cursor)
      ? { cursor: { ...cursor, id: String(cursor['id']) === '0', postBatchResumeToken: undefined } }
      : {}),
    ...(Array.isArray(writeErrors)
      ? { writeErrors: (writeErrors as Fields[]).map((error) => ({ ...error, errmsg: undefined })) }
      : {}),
  };
}

const isDocument = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
