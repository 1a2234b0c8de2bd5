import { clientLetter } from '../gate/client-letter.ts';

/**
 * What `complete` does not cover, as data.
 *
 * - `awaits`: `client` repeats these commands until what it reads has changed. Further repetitions before a change are left out, because
 *   `repetitions` of them in a row brought nothing new. A flow that gives up after more attempts than that goes other ways too
 * - `several-writes`: the server does this command's writes one after the other, and lets others in between. The gate sends it whole, so what
 *   others do between its parts is not explored
 * - `at-once`: `client` sends several reads at once. No run has shown it go on before it has all replies, so it is taken to wait for all, in whatever order they
 *   come. A chain that begins after one of them only when its reply is one that no run has brought there is not explored
 * - `time`: this command asks the server for the time, which decides as well
 * - `restart`: after a write conflict, each client starts its next attempt only when the other transaction has ended, and in some run `client`
 *   had to wait for that. Attempts before that, which meet the same conflict, are left out. See `retriesAtOnce`
 * - `no-race`: there is one class only: no command of one client conflicted with another's. Do the clients share anything in this start state?
 * - `start-state`: these collections had another number of documents before later runs than before the first one, which `reset` may have
 *   forgotten. What the first run did, later runs may find done
 * - `preemptions`: only schedules with at most `max` preemptions were run
 * - `step-limit`: so many runs were ended by `maxSteps`, and what follows there was not explored
 * - `unknown`: so many runs could not be finished or judged, and what follows there was not explored
 */
export type Condition =
  | {
      readonly kind: 'awaits';
      readonly client: number;
      /** Commands with their collections, such as `find locks`. */
      readonly commands: readonly string[];
      readonly repetitions: number;
    }
  | { readonly kind: 'several-writes' | 'time'; readonly command: string }
  | { readonly kind: 'at-once' | 'restart'; readonly client: number }
  | { readonly kind: 'no-race' }
  | {
      readonly kind: 'start-state';
      /** By name; of other databases than the scenario's, only the name of the collection. */
      readonly collections: readonly string[];
    }
  | { readonly kind: 'preemptions'; readonly max: number }
  | { readonly kind: 'step-limit'; readonly runs: number }
  | { readonly kind: 'unknown'; readonly runs: number };

/** A condition as a sentence without its end, such as `others may come between the writes of "insert items", which is sent whole`. */
export function formatCondition(condition: Condition): string {
  switch (condition.kind) {
    case 'awaits': {
      const { client, commands, repetitions } = condition;
      return `${clientLetter(client)} repeats ${commands.join(', ')}, and is taken to repeat them for ever until something changes: ${repetitions} repetitions brought nothing new`;
    }
    case 'several-writes':
      return `others may come between the writes of "${condition.command}", which is sent whole`;
    case 'time':
      return `"${condition.command}" asks the server for the time`;
    case 'at-once':
      return `${clientLetter(condition.client)} sends several reads at once, and is taken to go on only when it has all replies`;
    case 'restart':
      return `after a write conflict, a client (here ${clientLetter(condition.client)}) tries again only when the other transaction has ended`;
    case 'no-race':
      return `no command of one client conflicted with another's: do the clients share anything in this start state?`;
    case 'start-state':
      return `the start states differ in the number of documents in ${condition.collections.join(', ')}: does reset forget what the runs leave there?`;
    case 'preemptions':
      return `only schedules with at most ${condition.max} preemptions were run`;
    case 'step-limit':
      return `${condition.runs} runs were ended by maxSteps`;
    case 'unknown':
      return `${condition.runs} runs have no verdict`;
  }
}
