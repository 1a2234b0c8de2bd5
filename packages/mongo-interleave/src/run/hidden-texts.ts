import { entriesOf } from '../footprint/known-fields.ts';
import type { Fields } from '../gate/message.ts';
import type { ExecutedStep } from './execution.ts';
import type { ShownValues } from './shown-values.ts';

/** Shorter texts are parts of too many words, and no credentials. */
const MIN_TEXT = 4;

/** The parts of a command and a reply that hold data. */
const DATA = [
  'filter',
  'query',
  'documents',
  'deletes',
  'updates',
  'update',
  'pipeline',
  'ops',
  'firstBatch',
  'nextBatch',
  'value',
  'values',
];

/** The texts that came up in the commands and replies of a run, and that its trace does not show. */
export function hiddenTexts(steps: readonly ExecutedStep[], values: ShownValues): ReadonlySet<string> {
  const texts = new Set<string>();
  const collect = (value: unknown): void => {
    if (typeof value === 'string' && value.length >= MIN_TEXT && !value.startsWith('$') && !values.has(value))
      texts.add(value);
    else if (Array.isArray(value)) for (const one of value) collect(one);
    else for (const [, one] of entriesOf(value)) collect(one);
  };
  for (const { command, reply = {} } of steps) {
    const cursor: Fields = Object.fromEntries(entriesOf(reply['cursor']));
    for (const part of [command, reply, cursor]) for (const name of DATA) collect(part[name]);
  }
  return texts;
}
