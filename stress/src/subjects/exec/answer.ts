import { closest } from 'fastest-levenshtein';
import type { ToldOutcome } from '../../history.ts';

/** A call, as a line of JSON on the program's standard input. */
export interface CallLine {
  readonly op: 'rotate';
  readonly id: number;
  readonly pool: string;
  readonly key: string;
}

/** What a line of the program's standard output says; a wrong one says what is wrong with it and what to do, in one line. */
export type AnswerLine =
  { readonly kind: 'answer'; readonly outcome: ToldOutcome } | { readonly kind: 'wrong'; readonly complaint: string };

/** Which field an outcome has beside `id` and `outcome`, and whether it must be there. */
const fieldOf = {
  rotated: { name: 'replacement', isRequired: true },
  'already-rotated': { name: 'replacement', isRequired: false },
  'no-backup': undefined,
  'not-found': undefined,
  error: { name: 'text', isRequired: true },
} as const;

type OutcomeWord = keyof typeof fieldOf;
const outcomeWords = Object.keys(fieldOf) as OutcomeWord[];

const SHOWN_MAX = 80;

/** Reads the answer to call `id`. Nothing is guessed: what is not exactly of the protocol is wrong. */
export function parseAnswer(line: string, id: number): AnswerLine {
  let answer: unknown;
  try {
    answer = JSON.parse(line);
  } catch {
    return wrong(`is not JSON: ${shown(line)}; print answers only, and all else to standard error`);
  }
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer))
    return wrong(`is no JSON object: ${shown(line)}; answer like {"id":${id},"outcome":"not-found"}`);
  const { id: answered, outcome: word, ...fields } = answer as Record<string, unknown>;
  if (answered !== id) return wrong(`has id ${text(answered)}, but call ${id} is open; repeat the id of the call`);
  if (!isOutcomeWord(word)) return wrong(`has outcome ${text(word)}; it is one of ${outcomeWords.join(', ')}`);
  const field = fieldOf[word];
  const value = field === undefined ? undefined : fields[field.name];
  for (const name of Object.keys(fields)) {
    if (name !== field?.name) return wrong(`has a field "${name}"; ${word} has ${described(word, name)}`);
  }
  if (value === undefined ? field?.isRequired === true : typeof value !== 'string' || value === '')
    return wrong(`has ${field?.name} ${text(value)}; with ${word} it is a string that is not empty`);
  return { kind: 'answer', outcome: toOutcome(word, value as string | undefined) };
}

function toOutcome(word: OutcomeWord, value: string | undefined): ToldOutcome {
  switch (word) {
    case 'rotated':
      return { kind: 'rotated', replacement: value ?? '' };
    case 'already-rotated':
      return value === undefined ? { kind: 'already-rotated' } : { kind: 'already-rotated', replacement: value };
    case 'no-backup':
    case 'not-found':
      return { kind: word };
    case 'error':
      return { kind: 'error', code: 'program', message: value ?? '' };
  }
}

const isOutcomeWord = (word: unknown): word is OutcomeWord => typeof word === 'string' && Object.hasOwn(fieldOf, word);

function described(word: OutcomeWord, name: string): string {
  const names = ['id', 'outcome', ...(fieldOf[word] === undefined ? [] : [fieldOf[word].name])];
  return `${names.join(', ')} (did you mean ${closest(name, names)}?)`;
}

const wrong = (complaint: string): AnswerLine => ({ kind: 'wrong', complaint });

const text = (value: unknown): string => (value === undefined ? 'missing' : shown(JSON.stringify(value)));

const shown = (line: string): string => (line.length > SHOWN_MAX ? `${line.slice(0, SHOWN_MAX)}...` : line);
