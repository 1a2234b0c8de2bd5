import { entriesOf } from '../footprint/known-fields.ts';
import type { Fields } from '../gate/message.ts';
import type { ShownValues } from './shown-values.ts';

const DUPLICATE_KEY = 11_000;

/**
 * A duplicate key without the values that are not to be shown: `E11000 duplicate key: coupons code_1 { code: "c1" }`. The server's text
 * holds the values of all fields of the index.
 *
 * @param error of a reply or of the driver: `code`, `message`, and `keyValue` if the server sent it
 * @returns undefined for other errors
 */
export function describeDuplicateKey(error: Fields, values: ShownValues): string | undefined {
  const { code, message, keyValue } = error;
  if (code !== DUPLICATE_KEY) return undefined;
  const text = typeof message === 'string' ? message : '';
  const collection = /collection: [^.\s]+\.(\S+)/.exec(text)?.[1];
  const index = /index: (\S+)/.exec(text)?.[1];
  const fields = entriesOf(keyValue).length === 0 ? undefined : values.document(keyValue);
  return ['E11000 duplicate key:', collection, index, fields].filter((part) => part !== undefined).join(' ');
}
