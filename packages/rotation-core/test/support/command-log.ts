import type { CommandStartedEvent, Db } from 'mongodb';

/** Records the commands of a client that was opened with `monitorCommands: true`. */
export function recordCommands(db: Db): CommandStartedEvent[] {
  const started: CommandStartedEvent[] = [];
  db.client.on('commandStarted', (event) => started.push(event));
  return started;
}
