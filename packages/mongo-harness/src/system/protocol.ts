import type { SystemTypes } from './system-types.ts';

/** How the calls and answers of a system look to a program in any language: one JSON object a line. */
export interface Protocol<T extends SystemTypes> {
  /** The fields of a call's line; `id` is added. */
  readonly toLine: (call: T['call'], service: T['service']) => Readonly<Record<string, string>>;
  /** The call of the rehearsal, in an empty database: any answer will do. */
  readonly rehearsal: T['call'];
  /** By the word in the answer's field `outcome`: the further field, a string that is not empty. */
  readonly answers: Readonly<Record<string, AnswerField | undefined>>;
  /** @param word a key of `answers` @param value of the further field */
  readonly toAnswer: (word: string, value: string | undefined) => T['answer'];
  /** What an answer tells of a claim; a program reports no claims of its own. Default: nothing. */
  readonly toClaim?: (caller: number, call: T['call'], answer: T['answer']) => T['claim'] | undefined;
}

export interface AnswerField {
  readonly name: string;
  readonly isRequired: boolean;
}
