import { closest } from 'fastest-levenshtein';
import type { AnswerField, AnswerFields, Protocol } from '../system/protocol.ts';
import type { NoAnswer, SystemTypes } from '../system/system-types.ts';

/** What a line of the program's standard output says. A wrong line says what is wrong with it and what to do, in one line. */
export type AnswerLine<T extends SystemTypes> =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: T['answer'] | NoAnswer }
  /** The program is prepared, and takes so many calls at once. */
  | { readonly kind: 'ready'; readonly maxCalls: number }
  | { readonly kind: 'wrong'; readonly complaint: string };

/** Any flow may fail. */
const ERROR = 'error';
const ERROR_FIELDS: AnswerFields = { text: { type: 'text', isRequired: true } };
const MAX_SHOWN = 80;
/** One process for all callers of a storm. */
const MAX_CALLS = 10_000;

/** Reads a line. Nothing is guessed: what is not exactly of the protocol is wrong. @param open ids of the calls without an answer */
export function parseAnswer<T extends SystemTypes>(
  protocol: Pick<Protocol<T>, 'answers' | 'toAnswer'>,
  line: string,
  open: readonly number[],
): AnswerLine<T> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return wrong(`is not JSON: ${shown(line)}; print answers only, and all else to standard error`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    const example = exampleOf(protocol.answers, open[0] ?? 1);
    return wrong(`is no JSON object: ${shown(line)}; answer like ${JSON.stringify(example)}`);
  }
  const { id, outcome: word, ...fields } = parsed as Record<string, unknown>;
  if (id === undefined && 'ready' in fields) return parseReady(fields);
  if (open.length === 0) return wrong('came when no call was open; answer each call once');
  if (typeof id !== 'number' || !open.includes(id)) {
    const which = open.length === 1 ? `call ${open[0]} is open` : `calls ${open.join(', ')} are open`;
    return wrong(`has id ${text(id)}, but ${which}; repeat the id of the call`);
  }
  const fieldsOf: Protocol<T>['answers'] = { ...protocol.answers, [ERROR]: ERROR_FIELDS };
  const known = typeof word === 'string' && Object.hasOwn(fieldsOf, word) ? fieldsOf[word] : undefined;
  if (typeof word !== 'string' || known === undefined)
    return wrong(`has outcome ${text(word)}; it is one of ${Object.keys(fieldsOf).join(', ')}`);
  const complaint = complaintAbout(word, known, fields);
  if (complaint !== undefined) return wrong(complaint);
  if (word === ERROR)
    return { kind: 'answer', id, answer: { kind: 'error', code: 'program', message: fields['text'] as string } };
  try {
    return { kind: 'answer', id, answer: protocol.toAnswer(word, fields) };
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error));
  }
}

function parseReady<T extends SystemTypes>({ ready, maxCalls = 1, ...more }: Record<string, unknown>): AnswerLine<T> {
  const [name] = Object.keys(more);
  if (ready !== true) return wrong(`has ready ${text(ready)}; it is true`);
  if (name !== undefined) return wrong(`has a field "${name}"; ready has ready, maxCalls`);
  if (!Number.isInteger(maxCalls) || Number(maxCalls) < 1 || Number(maxCalls) > MAX_CALLS)
    return wrong(`has maxCalls ${text(maxCalls)}; it is a whole number from 1 to ${MAX_CALLS}`);
  return { kind: 'ready', maxCalls: Number(maxCalls) };
}

function complaintAbout(word: string, known: AnswerFields, given: Record<string, unknown>): string | undefined {
  for (const name of Object.keys(given))
    if (!Object.hasOwn(known, name)) return `has a field "${name}"; ${word} has ${described(known, name)}`;
  for (const [name, { type, isRequired }] of Object.entries(known)) {
    const value = given[name];
    if (value === undefined ? isRequired : !isOfType[type](value))
      return `has ${name} ${text(value)}; with ${word} it is ${TYPES[type]}`;
  }
  return undefined;
}

const isOfType: Readonly<Record<AnswerField['type'], (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string' && value !== '',
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  json: () => true,
};

const TYPES: Readonly<Record<AnswerField['type'], string>> = {
  text: 'a string that is not empty',
  number: 'a number',
  boolean: 'true or false',
  json: 'any JSON',
};

/** The last word of the protocol that needs no further field. */
const exampleOf = (answers: Protocol<SystemTypes>['answers'], id: number): object => ({
  id,
  outcome:
    Object.keys(answers).findLast((word) => Object.keys(answers[word] ?? {}).length === 0) ?? Object.keys(answers)[0],
});

function described(known: AnswerFields, name: string): string {
  const names = ['id', 'outcome', ...Object.keys(known)];
  return `${names.join(', ')} (did you mean ${closest(name, names)}?)`;
}

const wrong = (complaint: string): { readonly kind: 'wrong'; readonly complaint: string } => ({
  kind: 'wrong',
  complaint,
});

const text = (value: unknown): string => (value === undefined ? 'missing' : shown(JSON.stringify(value)));

const shown = (line: string): string => (line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN)}...` : line);
