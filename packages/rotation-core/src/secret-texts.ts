import { KEY_FIELDS, marksOf } from './failures.ts';
import { BACKUP_FIELDS, setAsideFieldsOf, type AnyPool } from './pool.ts';
import { REVEALING_LENGTH } from './upstream/redact.ts';

/** A text that begins as a date in ISO 8601 does. */
const DATE = /^\d{4}-\d\d-\d\d(?:[T ]|$)/;
/** A name such as `anthropic` or `need_refresh`: no credential is made so. */
const PLAIN_WORD = /^\p{Lu}?[\p{Ll}_-]{0,11}$/u;
/** Scheme and host of a URL, after the user. */
const URL_HOST = /^[a-z][a-z\d+.-]*:\/\/(?:([^/@]*)@)?[^/?#]*/i;
/** Between the words of a sentence, of a URL, of JSON. */
const SEPARATORS = /[\s"'`<>(){}[\],;/?&=#]+/;

/**
 * What a text about a key or a backup must not repeat. A pool may keep its credentials in any field, also in nested ones, so each text of the
 * document counts but names, dates, and what rotations write.
 *
 * @param id is no secret unless the pool says so
 * @param documents the key or backup, as different callers have it
 */
export function secretsOf(
  pool: AnyPool,
  id: string,
  ...documents: readonly Readonly<Record<string, unknown>>[]
): readonly string[] {
  const { secretIds = false } = pool;
  const known = secretIds ? [] : knownFieldsOf(pool);
  const secrets = documents.flatMap(({ apiKey, ...others }) => [
    ...(typeof apiKey === 'string' ? [apiKey] : textsIn(apiKey)),
    ...Object.entries(others).flatMap(([name, value]) => (known.includes(name) ? [] : textsIn(value))),
  ]);
  return secretIds ? [...secrets, id] : secrets.filter((secret) => secret !== id);
}

/** Fields that hold ids, states and reasons. */
function knownFieldsOf(pool: AnyPool): readonly string[] {
  const { at, reason } = setAsideFieldsOf(pool);
  const { statusField, lastErrorField } = marksOf(pool.failures);
  const { replacedKeyField = '_id' } = pool;
  return [...KEY_FIELDS, ...BACKUP_FIELDS, at, reason, statusField, lastErrorField, replacedKeyField];
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return secretPartsOf(value);
  if (Array.isArray(value)) return value.flatMap(textsIn);
  // The values of BSON's classes are no texts.
  if (typeof value !== 'object' || value === null || '_bsontype' in value) return [];
  return Object.values(value).flatMap(textsIn);
}

/** The whole text, and its words: a sentence, a URL or a text in JSON may have a credential in it. */
function secretPartsOf(text: string): readonly string[] {
  if (DATE.test(text)) return [];
  const words = text.replace(URL_HOST, '$1 ').split(SEPARATORS);
  return words.filter((word) => word.length >= REVEALING_LENGTH && !PLAIN_WORD.test(word));
}
