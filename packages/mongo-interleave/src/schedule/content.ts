import type { Taken } from '../execute-run.ts';
import type { Fields } from '../gate/message.ts';

/** Differ between two runs of one schedule; an error's message names transactions by number, beside its code. */
const volatileFields = new Set([
  'errmsg',
  'lsid',
  'txnNumber',
  '$clusterTime',
  'operationTime',
  'electionId',
  'opTime',
  'recoveryToken',
  'atClusterTime',
]);
const drawn = /"[0-9a-f]{24}"|"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"|"\d{4}-\d\d-\d\dT[\d:.]+Z"/g;

/** A command or a reply as text, without what is drawn anew in each run. May hold credentials. */
export const contentOf = (fields: Fields): string =>
  JSON.stringify(Object.entries(fields).filter(([name]) => !volatileFields.has(name))).replaceAll(drawn, '"drawn"');

/** Where two runs of one schedule sent or got something else: the first step, from 0, and what differs there, without values. */
export function findDifference(
  first: readonly Taken[],
  second: readonly Taken[],
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
