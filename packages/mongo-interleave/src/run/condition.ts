/**
 * What `complete` does not cover, as data.
 *
 * - `awaits`: `client` repeats these commands until what it reads has changed. Further repetitions before a change are left out, because
 *   `repetitions` of them in a row brought nothing new. A flow that gives up after more attempts than that goes other ways too
 * - `several-writes`: the server does this command's writes one after the other, and lets others in between. The gate sends it whole, so what
 *   others do between its parts is not explored
 * - `at-once`: `client` sends several reads at once. It gets the replies in one order only
 * - `time`: this command asks the server for the time, which decides as well
 * - `restart`: after a write conflict, `client` starts its next attempt only when the other transaction has ended. Attempts before that,
 *   which meet the same conflict, are left out. See `retriesAtOnce`
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
  | { readonly kind: 'preemptions'; readonly max: number }
  | { readonly kind: 'step-limit'; readonly runs: number }
  | { readonly kind: 'unknown'; readonly runs: number };
