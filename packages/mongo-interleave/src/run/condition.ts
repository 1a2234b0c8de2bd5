/**
 * What `complete` does not cover, as data.
 *
 * - `awaits`: `client` repeats these commands until what it reads has changed. Further repetitions before a change are left out, because
 *   `repetitions` of them in a row brought nothing new. A flow that gives up after more attempts than that goes other ways too
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
  | { readonly kind: 'step-limit'; readonly runs: number }
  | { readonly kind: 'unknown'; readonly runs: number };
