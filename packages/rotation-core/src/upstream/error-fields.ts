import { normalize, withoutQuoted } from './phrases.ts';

/** What an error body says. Codes and texts are normalized and leave out what the body repeats of the request. */
export interface ErrorFields {
  /** Words for machines: the values of `code`, `type`, `status` and `reason`. */
  readonly codes: readonly string[];
  /** Sentences for people: the values of `message`, `detail`, `title` (RFC 9457) and `error_description` (RFC 6749). */
  readonly texts: readonly string[];
  /** The same sentences as the upstream wrote them, with what it repeats of the request; the most telling first. */
  readonly sentences: readonly string[];
}

/** A longer body is not an error's, and is not looked at. In characters. */
const MAX_BODY_LENGTH = 100_000;
/** Errors in errors: a proxy's message may be the body of the upstream behind it. */
const MAX_DEPTH = 5;
/** At most this many elements of a list are looked at. */
const MAX_ELEMENTS = 20;

const CODE_FIELDS = ['code', 'type', 'status', 'reason'];
const TEXT_FIELDS = ['message', 'detail', 'title', 'error_description'];
/** LiteLLM puts the upstream's body behind the name of an exception: `litellm.BadRequestError: AnthropicException - b'{...}'`. */
const WRAPPED_BODY = /^[\w.: ]*Exception - b?'?(?=[[{])/;

/**
 * Takes the error out of a body: `error.code`, `error.type`, `error.status`, `error.message`, the same without `error`, `detail`,
 * `details[].reason`; also where `error` is a string, or the body a list, as Gemini sends it. Other fields are left out, for they
 * hold what the caller wrote: a prompt, the name of a tool, of a model.
 *
 * @param body text or its bytes in UTF-8, or the parsed JSON. A text that is no JSON is a sentence as a whole.
 */
export function readErrorFields(body: unknown): ErrorFields {
  const found: Found = { codes: [], texts: [], sentences: [] };
  read(body instanceof Uint8Array ? new TextDecoder().decode(body) : body, found, 0);
  return found;
}

interface Found {
  readonly codes: string[];
  readonly texts: string[];
  readonly sentences: string[];
}

function read(value: unknown, found: Found, depth: number): void {
  if (depth > MAX_DEPTH || value === null) return;
  if (typeof value === 'string') readText(value, found, depth);
  else if (Array.isArray(value)) for (const element of value.slice(0, MAX_ELEMENTS)) read(element, found, depth + 1);
  else if (typeof value === 'object') readError({ ...value }, found, depth);
}

function readText(text: string, found: Found, depth: number): void {
  if (text.length > MAX_BODY_LENGTH) return;
  const inner = parseJson(text.replace(WRAPPED_BODY, ''));
  if (inner !== undefined) return read(inner, found, depth + 1);
  const sentence = normalize(withoutQuoted(text));
  // A text may be a bare code: {"error": "invalid_api_key"}.
  found.codes.push(sentence);
  found.texts.push(sentence);
  found.sentences.push(text);
}

function readError(fields: Readonly<Record<string, unknown>>, found: Found, depth: number): void {
  for (const value of CODE_FIELDS.map((name) => fields[name])) {
    if (typeof value === 'string' || typeof value === 'number') found.codes.push(normalize(String(value)));
  }
  for (const value of TEXT_FIELDS.map((name) => fields[name])) {
    // A list in `detail` has the caller's input in it: FastAPI sends {"detail": [{"loc", "msg", "input"}]}.
    if (!Array.isArray(value)) read(value, found, depth + 1);
  }
  read(fields['error'], found, depth + 1);
  if (Array.isArray(fields['errors'])) read(fields['errors'], found, depth + 1);
  if (Array.isArray(fields['details'])) readReasons(fields['details'], found);
}

/** Google's error details: https://google.aip.dev/193. */
function readReasons(details: readonly unknown[], found: Found): void {
  for (const detail of details.slice(0, MAX_ELEMENTS)) {
    if (typeof detail === 'object' && detail !== null && 'reason' in detail && typeof detail.reason === 'string')
      found.codes.push(normalize(detail.reason));
  }
}

/** @returns the object, the list or the string that the text is in JSON; undefined if it is none. */
function parseJson(text: string): unknown {
  // What LiteLLM adds comes behind the end.
  const json = /^\s*(?<json>\{.*\}|\[.*\]|"[^"]*")/s.exec(text)?.groups?.['json'];
  if (json === undefined) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
