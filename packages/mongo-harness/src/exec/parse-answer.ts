import { closest } from 'fastest-levenshtein';
import type { AnswerField, Protocol } from '../system/protocol.ts';
import type { NoAnswer, SystemTypes } from '../system/system-types.ts';

/** What a line of the program's standard output says. A wrong line says what is wrong with it and what to do, in one line. */
export type AnswerLine<T extends SystemTypes> =
  | { readonly kind: 'answer'; readonly answer: T['answer'] | NoAnswer }
  | { readonly kind: 'wrong'; readonly complaint: string };

/** Any flow may fail. */
const ERROR = 'error';
const ERROR_FIELD: AnswerField = { name: 'text', isRequired: true };
const SHOWN_MAX = 80;

/** Reads the answer to call `id`. Nothing is guessed: what is not exactly of the protocol is wrong. */
export function parseAnswer<T extends SystemTypes>(
  protocol: Pick<Protocol<T>, 'answers' | 'toAnswer'>,
  line: string,
  id: number,
): AnswerLine<T> {
  const fieldOf: Protocol<T>['answers'] = { ...protocol.answers, [ERROR]: ERROR_FIELD };
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return wrong(`is not JSON: ${shown(line)}; print answers only, and all else to standard error`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    return wrong(`is no JSON object: ${shown(line)}; answer like ${JSON.stringify(exampleOf(protocol.answers, id))}`);
  const { id: answered, outcome: word, ...fields } = parsed as Record<string, unknown>;
  if (answered !== id) return wrong(`has id ${text(answered)}, but call ${id} is open; repeat the id of the call`);
  if (typeof word !== 'string' || !Object.hasOwn(fieldOf, word))
    return wrong(`has outcome ${text(word)}; it is one of ${Object.keys(fieldOf).join(', ')}`);
  const field = fieldOf[word];
  const value = field === undefined ? undefined : fields[field.name];
  for (const name of Object.keys(fields)) {
    if (name !== field?.name) return wrong(`has a field "${name}"; ${word} has ${described(field, name)}`);
  }
  if (value === undefined ? field?.isRequired === true : typeof value !== 'string' || value === '')
    return wrong(`has ${field?.name} ${text(value)}; with ${word} it is a string that is not empty`);
  const told = value as string | undefined;
  if (word === ERROR) return { kind: 'answer', answer: { kind: 'error', code: 'program', message: told ?? '' } };
  return { kind: 'answer', answer: protocol.toAnswer(word, told) };
}

/** The last word of the protocol that needs no further field. */
const exampleOf = (answers: Protocol<SystemTypes>['answers'], id: number): object => ({
  id,
  outcome: Object.keys(answers).findLast((word) => answers[word] === undefined) ?? Object.keys(answers)[0],
});

function described(field: AnswerField | undefined, name: string): string {
  const names = ['id', 'outcome', ...(field === undefined ? [] : [field.name])];
  return `${names.join(', ')} (did you mean ${closest(name, names)}?)`;
}

const wrong = (complaint: string): { readonly kind: 'wrong'; readonly complaint: string } => ({
  kind: 'wrong',
  complaint,
});

const text = (value: unknown): string => (value === undefined ? 'missing' : shown(JSON.stringify(value)));

const shown = (line: string): string => (line.length > SHOWN_MAX ? `${line.slice(0, SHOWN_MAX)}...` : line);
