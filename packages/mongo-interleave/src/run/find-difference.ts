import { contentOf } from '../gate/content.ts';
import type { Fields } from '../gate/message.ts';
import type { ExecutedStep } from './execution.ts';

/**
 * Finds the first difference in the commands and replies of two runs of one schedule. Names the field, never its value.
 *
 * @returns the step, from 0, and the field that differs there
 */
export function findDifference(
  first: readonly ExecutedStep[],
  second: readonly ExecutedStep[],
): { readonly step: number; readonly what: string } | undefined {
  for (const [step, one] of first.entries()) {
    const other = second[step];
    for (const what of ['command', 'reply'] as const) {
      const [before = {}, now = {}] = [one[what], other?.[what]];
      const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
      const name = names.find((field) => contentOf(pick(before, field)) !== contentOf(pick(now, field)));
      if (name !== undefined) return { step, what: `"${name}" of the ${what}` };
    }
  }
  return undefined;
}

const pick = (fields: Fields, name: string): Fields => (name in fields ? { [name]: fields[name] } : {});
