/** What can stand inside a word. Scripts that put no spaces between words have no boundaries between words either. */
const INSIDE_A_WORD = /^[[\p{L}\p{N}_\-]--[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]]{2}$/v;

/** Lower case, one space between words. */
export const normalize = (text: string): string => text.toLowerCase().replaceAll(/\s+/g, ' ').trim();

/**
 * True if the text has these words as whole words: `billing` stands neither in `billing-bot` nor in `billings`. Both are
 * normalized.
 */
export function containsPhrase(text: string, phrase: string): boolean {
  for (let at = text.indexOf(phrase); at !== -1; at = text.indexOf(phrase, at + 1)) {
    if (isBoundary(text, at) && isBoundary(text, at + phrase.length)) return true;
  }
  return false;
}

const isBoundary = (text: string, at: number): boolean => !INSIDE_A_WORD.test(text.slice(Math.max(0, at - 1), at + 1));

/** Families of quotation marks. An apostrophe inside a word is none. */
const QUOTATION_MARKS: readonly { readonly opens: RegExp; readonly closes: RegExp }[] = [
  { opens: /["“”„«»]/, closes: /["“”„«»]/g },
  { opens: /`/, closes: /`/g },
  { opens: /(?<![\p{L}\p{N}])['‘’]/u, closes: /['‘’](?![\p{L}\p{N}])/gu },
];

/**
 * Leaves out what stands in quotation marks, from the first of a family to the last: there an upstream repeats what its caller
 * wrote, which may have quotation marks too:
 *
 *   The model `x` credit balance is too low `y` does not exist
 *
 * Were only the pairs left out, this would be a failed key.
 */
export const withoutQuoted = (text: string): string =>
  QUOTATION_MARKS.reduce((rest, { opens, closes }) => {
    const start = rest.search(opens);
    if (start === -1) return rest;
    const end = [...rest.matchAll(closes)].at(-1)?.index ?? start;
    return `${rest.slice(0, start)} ${end > start ? rest.slice(end + 1) : ''}`;
  }, text);
