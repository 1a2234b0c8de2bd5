import { errorCode } from '../footprint/transactions.ts';
import { clientLetter } from '../gate/client-letter.ts';
import type { RefusedCommand } from '../gate/gate.ts';
import type { ClientCommand } from '../gate/held-command.ts';
import { collectionOf, commandText, type Fields } from '../gate/message.ts';
import type { FaultKind } from '../schedule/token.ts';
import { describeCommand } from './describe-command.ts';
import { describeEnds, hidesResult } from './describe-end.ts';
import { describeReply } from './describe-reply.ts';
import type { ExecutedStep, Outcome } from './execution.ts';
import type { HiddenPart } from './result.ts';
import { shorten, ShownValues } from './shown-values.ts';
import type { TraceStep } from './trace-step.ts';

const MAX_TOUCHED = 240;
const MAX_REPLY = 240;

const FAULT_EFFECTS: Readonly<Record<FaultKind, string>> = {
  crash: 'not sent: the client crashed and restarts',
  'crash-after': 'then the client crashed and restarts',
  'lost-reply': 'but the reply was lost',
  reset: 'not sent: the connection was reset',
  error: 'by an injected fault',
  'step-down': 'after the primary had stepped down',
  'step-down-after': 'then the primary stepped down and the reply was lost',
};

export interface TraceOptions {
  /** See `InterleaveOptions`. */
  readonly showFields?: readonly string[];
  /** See `InterleaveOptions`. */
  readonly showResults?: boolean;
}

const describeRefused = ({ command: { client, body }, reply }: RefusedCommand): string =>
  `${errorCode(reply) === undefined ? 'answered' : 'refused'} too: ${commandText(body)} of ${clientLetter(client)}`;

/** Describes the steps of one run, and how its clients ended. */
export class TraceWriter {
  readonly #values: ShownValues;
  readonly #showResults: boolean;
  readonly #namesFields: boolean;

  constructor({ showFields = [], showResults = false }: TraceOptions) {
    this.#values = new ShownValues(showFields);
    this.#showResults = showResults;
    this.#namesFields = showFields.length > 0;
  }

  /**
   * @param reply undefined if the command was not sent
   * @param refused what other commands the old primary was asked after a step-down
   */
  step(
    { client, name, body }: ClientCommand,
    reply: Fields | undefined,
    fault?: FaultKind,
    refused: readonly RefusedCommand[] = [],
  ): TraceStep {
    const touched = shorten(describeCommand(name, body, this.#values), MAX_TOUCHED);
    const came = reply === undefined ? [] : [shorten(describeReply(body, reply, this.#values), MAX_REPLY)];
    return {
      client,
      command: name,
      collection: collectionOf(body),
      touched,
      reply: [...came, ...(fault === undefined ? [] : [FAULT_EFFECTS[fault]]), ...refused.map(describeRefused)].join(
        ', ',
      ),
      ...(fault === undefined ? {} : { fault }),
    };
  }

  /** By client: how it ended, as in `A returned "c1"`. */
  ends<T>(outcomes: readonly Outcome<T>[], steps: readonly ExecutedStep[]): readonly string[] {
    return describeEnds(outcomes, { steps, values: this.#values, showResults: this.#showResults });
  }

  /** What was left out of the steps and of these endings, though no option was used that shows some of it. */
  hidden(endings: readonly string[]): readonly HiddenPart[] {
    const parts: HiddenPart[] = [];
    if (!this.#namesFields && this.#values.hidesFields) parts.push('fields');
    if (!this.#showResults && endings.some(hidesResult)) parts.push('results');
    return parts;
  }
}
