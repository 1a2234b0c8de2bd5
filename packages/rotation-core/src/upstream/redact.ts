const REDACTED = '[redacted]';
/** As long a part of a key's secret gives it away; upstreams show four characters of each end at most. */
export const REVEALING_LENGTH = 8;
/** Shorter words that have letters and digits are names and numbers, not credentials. */
const MIN_CREDENTIAL_LENGTH = 20;

/** Forms of credentials: prefixes that vendors give them, and JSON Web Tokens. */
const KNOWN_FORM =
  /(?<![a-z\d])(?:(?:sk|pk|rk|fk|gsk|xai|hf|gh[opsu]|glpat|xox[a-z])[-_][\w*-]{3,}|AIza[\w*-]{3,}|AKIA[A-Z\d*]{3,}|eyJ[\w-]+\.)/i;
/** Upstreams show a part of a key: `ab****yz`, `abcd...wxyz`. */
const MASKED = /\w\*{2,}|\w(?:\.{3}|…)\w/;
/** What stands behind one of these words is a credential, whatever it looks like: `Bearer x`, `api_key=x`, `"token": "x"`. */
const BEHIND_A_NAME =
  /\b(bearer|basic|(?:x-)?api[-_ ]?key|access[-_ ]?key|key|token|secret|password|authorization)(["']?\s*[:=]\s*["']?(?:bearer\s+|basic\s+)?|\s+(?=\S*\d))([^\s"',;)}\]]{3,})/gi;
/** The user and the password of a URL. */
const USER_OF_A_URL = /(:\/\/)[^\s/@]+@/g;

/**
 * Takes out of a text what could be a credential: the secrets themselves and whatever repeats eight characters of one, `sk-...`, `Bearer ...`, what
 * stands behind `key=` or `token:`, and long words of letters and digits. Takes out too much rather than too little.
 *
 * @param secrets the credentials that the text may repeat, as far as they are known.
 */
export function redact(text: string, secrets: readonly string[]): string {
  const known = secrets.filter((secret) => secret !== '');
  const whole = known.reduce((rest, secret) => rest.replaceAll(secret, REDACTED), text);
  const parts = sharedParts(text, known);
  return whole
    .replace(USER_OF_A_URL, `$1${REDACTED}@`)
    .replace(BEHIND_A_NAME, (_all, name: string, between: string) => `${name}${between}${REDACTED}`)
    .replace(/[^\s"'`<>(){}[\],;]+/g, (word) => redactWord(word, parts));
}

/** Longer texts are cut. In characters. */
const MAX_TEXT_LENGTH = 500;
/** At most this much of a text is searched for credentials. In characters. */
const MAX_SEARCHED_LENGTH = 10_000;

/** A text for the database or an event: on one line, without credentials, and at most 500 characters. @param secrets as in `redact` */
export function cleanText(text: string, secrets: readonly string[]): string {
  const clean = redact(text.slice(0, MAX_SEARCHED_LENGTH), secrets).replaceAll(/\s+/g, ' ').trim();
  // Half a character at the cut is no text.
  return clean.slice(0, MAX_TEXT_LENGTH).replace(/[\uD800-\uDBFF]$/, '');
}

function redactWord(word: string, parts: ReadonlySet<string>): string {
  for (const part of partsOf(word)) if (parts.has(part)) return REDACTED;
  // A URL has long paths, in which words are separate.
  if (word.includes('://')) return word.replace(/[^/?&=#:]+/g, (piece) => (isCredential(piece) ? REDACTED : piece));
  return word
    .split(/(?<=[:=])/)
    .map((piece) => (isCredential(piece) ? REDACTED : piece))
    .join('');
}

const isCredential = (word: string): boolean =>
  KNOWN_FORM.test(word) ||
  MASKED.test(word) ||
  (word.length >= MIN_CREDENTIAL_LENGTH && /\d/.test(word) && /[a-z]/i.test(word));

/** The parts of the secrets that give them away and that stand in the text. A document may have more texts than could be kept in parts. */
function sharedParts(text: string, secrets: readonly string[]): ReadonlySet<string> {
  const ofText = new Set(partsOf(text));
  const shared = new Set<string>();
  for (const secret of secrets) for (const part of partsOf(secret)) if (ofText.has(part)) shared.add(part);
  return shared;
}

function* partsOf(text: string): Generator<string> {
  const lower = text.toLowerCase();
  for (let at = 0; at + REVEALING_LENGTH <= lower.length; at++) yield lower.slice(at, at + REVEALING_LENGTH);
}
