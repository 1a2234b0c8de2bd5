import { listOf } from '../footprint/known-fields.ts';
import { commandName, type Fields } from '../gate/message.ts';

/**
 * Did a command outside transactions change several documents, or have several statements? The server does them one after the other, and
 * lets other commands in between. The gate sends such a command whole, so what others do between its parts is not explored.
 *
 * @param reply undefined if the command was not sent
 */
export function hasSeveralWrites(command: Fields, reply: Fields | undefined): boolean {
  if (reply === undefined || command['autocommit'] === false) return false;
  const parts = [command['documents'], command['updates'], command['deletes'], command['ops']].map(listOf);
  if (parts.some(({ length }) => length > 1)) return true;
  if (commandName(command) === 'aggregate') return listOf(command['pipeline']).some((stage) => '$merge' in stage);
  const { n, nModified = n } = reply;
  return parts.some(({ length }) => length === 1) && typeof nModified === 'number' && nModified > 1;
}
