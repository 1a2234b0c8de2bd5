import { entriesOf, listOf } from '../footprint/known-fields.ts';
import { errorCode } from '../footprint/transactions.ts';
import { contentOf } from '../gate/content.ts';
import { collectionOf, commandName, type Fields } from '../gate/message.ts';
import type { ExecutedStep } from './execution.ts';

/**
 * Finds the first step at which two runs of one schedule decide something differently: which clients could go on, which command was sent
 * to which collection, and in the reply the error, the number of documents, and which documents (`_id`).
 *
 * What is stored in other fields may differ, such as times and random tokens, and so may `nModified`, because a second write of the same
 * time changes nothing. Where such a difference decides anything, a later step shows it. ObjectIds, UUIDs and times count as equal, and
 * so do two ids that the same step inserted.
 *
 * @returns the number of the step, from 0
 */
export function findDifference(
  first: readonly ExecutedStep[],
  second: readonly ExecutedStep[],
): { readonly step: number } | undefined {
  const [before, now] = [first, second].map(decisionsOf);
  const step = before?.findIndex((text, index) => text !== now?.[index]) ?? -1;
  return step === -1 ? undefined : { step };
}

/** A text for each step of a run. */
function decisionsOf(steps: readonly ExecutedStep[]): string[] {
  const names = new Map<string, string>();
  return steps.map(({ command, enabledClients, reply }, step) => {
    const name = commandName(command);
    const inserted = listOf(command['documents']).map(({ _id }) => _id);
    for (const [index, id] of [...inserted, ...upsertedIn(reply)].entries()) {
      const text = contentOf({ id });
      if (!names.has(text)) names.set(text, `${step}.${index}`);
    }
    const nameOf = (document: Fields): string => {
      const text = contentOf({ id: document['_id'] });
      return names.get(text) ?? text;
    };
    return JSON.stringify([enabledClients, name, collectionOf(command), replyOf(reply, nameOf)]);
  });
}

function replyOf(reply: Fields | undefined, nameOf: (document: Fields) => string): unknown {
  if (reply === undefined) return 'not sent';
  const { cursor, n, value } = reply;
  const batches = entriesOf(cursor).flatMap(([name, batch]) =>
    name === 'firstBatch' || name === 'nextBatch' ? listOf(batch) : [],
  );
  const found = 'value' in reply ? [value === null ? 'null' : nameOf(value as Fields)] : batches.map(nameOf);
  return [errorCode(reply), n, found];
}

function upsertedIn(reply: Fields = {}): unknown[] {
  const byModify = entriesOf(reply['lastErrorObject']).flatMap(([name, id]) => (name === 'upserted' ? [id] : []));
  return [...listOf(reply['upserted']).map(({ _id }) => _id), ...byModify];
}
