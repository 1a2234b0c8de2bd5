import type { SystemTypes } from './system-types.ts';

/**
 * How the calls and answers of a system look to a program in any language: one JSON object a line. The harness knows the fields `id` and
 * `outcome`; the others are the system's.
 */
export interface Protocol<T extends SystemTypes> {
  /** The fields of a call's line, any JSON; `id` is added. */
  readonly toLine: (call: T['call'], service: T['service']) => Readonly<Record<string, unknown>>;
  /** The call of the rehearsal, in an empty database: any answer will do. */
  readonly rehearsal: T['call'];
  /** By the word in the answer's field `outcome`: the further fields by their names. */
  readonly answers: Readonly<Record<string, AnswerFields>>;
  /**
   * @param word a key of `answers`
   * @param fields those that the line has, each of its type
   * @throws an Error whose message says what is wrong with a field, as in `has jobs that are no strings`
   */
  readonly toAnswer: (word: string, fields: Readonly<Record<string, unknown>>) => T['answer'];
  /** What an answer tells of a claim; a program reports no claims of its own. Default: nothing. */
  readonly toClaim?: (caller: number, call: T['call'], answer: T['answer']) => T['claim'] | undefined;
}

export type AnswerFields = Readonly<Record<string, AnswerField>>;

export interface AnswerField {
  /** `text`: a string that is not empty; `json`: anything, which `toAnswer` judges. */
  readonly type: 'text' | 'number' | 'boolean' | 'json';
  readonly isRequired: boolean;
}
