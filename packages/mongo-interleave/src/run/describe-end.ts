import { inspect } from 'node:util';
import { clientLetter } from '../gate/client-letter.ts';
import { describeDuplicateKey } from './duplicate-key.ts';
import { errorLines, factsOf, orElse } from './error-lines.ts';
import type { ExecutedStep, Outcome } from './execution.ts';
import { hiddenTexts } from './hidden-texts.ts';
import type { ShownValues } from './shown-values.ts';

const HIDDEN = '...';
/** Of a returned array so many elements are shown. */
const MAX_ELEMENTS = 5;

/** Without the value's own way of being shown, which may throw. */
const INSPECTED = { breakLength: Infinity, depth: 4, customInspect: false } as const;

interface EndContext {
  readonly steps: readonly ExecutedStep[];
  readonly values: ShownValues;
  /** Shows what flows return and throw as a whole. */
  readonly showResults: boolean;
}

/**
 * How each client ended, as in `A returned "c1"`; empty for a client that did not take part. What a flow returns is shown like what it
 * stores: a document field by field, and a text or a number by itself only if the trace shows it too. An error of the server is its code;
 * in another error's message the texts of hidden fields are replaced.
 */
export function describeEnds<T>(outcomes: readonly Outcome<T>[], context: EndContext): string[] {
  return outcomes.map((outcome, client) => {
    const letter = clientLetter(client);
    if (outcome.kind === 'absent') return '';
    if (outcome.kind === 'returned')
      return `${letter} returned ${orElse(() => returnedText(outcome.value, context), HIDDEN)}`;
    if (outcome.kind === 'threw') return `${letter} threw ${orElse(() => thrownText(outcome.error, context), HIDDEN)}`;
    return `${letter} did not end`;
  });
}

/** Does a text of {@link describeEnds} leave out something that `showResults` would show? */
export const hidesResult = (ending: string): boolean => ending.includes(HIDDEN);

function returnedText(value: unknown, { values, showResults }: Pick<EndContext, 'values' | 'showResults'>): string {
  if (showResults) return wholeText(value);
  if (typeof value === 'string') return values.has(value) ? values.scalar(value) : `"${HIDDEN}"`;
  if (typeof value === 'number') return values.has(value) ? values.scalar(value) : HIDDEN;
  if (value === null || value === undefined || typeof value === 'boolean') return String(value);
  if (typeof value !== 'object') return HIDDEN;
  if (Array.isArray(value)) {
    const texts = value.slice(0, MAX_ELEMENTS).map((one) => returnedText(one, { values, showResults }));
    return `[${[...texts, ...(value.length > MAX_ELEMENTS ? [HIDDEN] : [])].join(', ')}]`;
  }
  return '_bsontype' in value ? values.id(value) || HIDDEN : documentText(value, values);
}

/** Also of what a library returns in a class of its own, such as a document of mongoose. */
function documentText(value: object, values: ShownValues): string {
  const data: unknown = 'toJSON' in value && typeof value.toJSON === 'function' ? value.toJSON() : value;
  const prototype: unknown = Object.getPrototypeOf(data);
  const isPlain = prototype === null || prototype === Object.prototype;
  return isPlain ? values.document(data) : HIDDEN;
}

function wholeText(value: unknown): string {
  // A circle, a BigInt, or a `toJSON` that throws.
  return orElse(() => JSON.stringify(value) ?? String(value), undefined) ?? inspect(value, INSPECTED);
}

function thrownText(error: unknown, context: EndContext): string {
  const [message = ''] = errorLines(error);
  if (context.showResults) return message;
  if (!(error instanceof Error)) return HIDDEN;
  const { name } = factsOf(error);
  const { code, codeName, keyValue }: ServerError = error;
  const duplicate = describeDuplicateKey({ code, keyValue, message: error.message }, context.values);
  if (duplicate !== undefined) return duplicate;
  if (typeof codeName === 'string') return `${name} ${String(code)} ${codeName}`;
  return withoutHidden(message, context) || name;
}

/** What the driver's errors have of the server's reply. */
interface ServerError extends Error {
  readonly code?: unknown;
  readonly codeName?: unknown;
  readonly keyValue?: unknown;
}

/** The longest text first, because it may hold another. */
const withoutHidden = (message: string, { steps, values }: EndContext): string =>
  [...hiddenTexts(steps, values)]
    .filter((text) => message.includes(text))
    .toSorted((one, other) => other.length - one.length)
    .reduce((rest, text) => rest.replaceAll(text, HIDDEN), message);
