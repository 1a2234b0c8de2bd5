import type { Collection, Db, Document } from 'mongodb';
import type { Steps } from './steps/index.ts';

/** Where a call is: the command that was sent last. An error says it. */
export interface Place {
  /** The step of the flow, as in `claimBackups`. */
  step?: string | undefined;
  /** The driver's method, as in `updateOne`. */
  method?: string | undefined;
  collection?: string | undefined;
}

/** Notes in `place` which collection of `db` is used by which method, for all that is done through the returned Db. */
export function notePlace(db: Db, place: Place): Db {
  return intercept(db, (name, value) =>
    name === 'collection'
      ? (...args: unknown[]) => {
          const collection = value.apply(db, args) as Collection<Document>;
          return intercept(collection, (method, called) => (...given: unknown[]) => {
            place.method = method;
            place.collection = collection.collectionName;
            return called.apply(collection, given);
          });
        }
      : value.bind(db),
  );
}

/** As `target`, with `wrap` around its methods. The methods run on the target itself: the driver's classes have private fields. */
function intercept<T extends object>(
  target: T,
  wrap: (name: string, method: (...args: unknown[]) => unknown) => unknown,
): T {
  return new Proxy(target, {
    get: (_target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      return typeof name === 'string' && typeof value === 'function' ? wrap(name, value as never) : value;
    },
  });
}

/**
 * Notes in `place` which step runs.
 *
 * @param onAnswered called after each step: the database has answered.
 */
export function noteSteps(steps: Steps, place: Place, onAnswered: () => void = () => {}): Steps {
  const noted = Object.entries(steps).map(([name, step]: [string, (...args: never[]) => Promise<unknown>]) => [
    name,
    async (...args: never[]) => {
      place.step = name;
      const result = await step(...args);
      place.step = undefined;
      onAnswered();
      return result;
    },
  ]);
  return Object.fromEntries(noted) as Steps;
}

/** As in `bulkWrite on backup_keys (claimBackups)`. */
export function describePlace({ step, method, collection }: Place): string {
  if (method === undefined || collection === undefined) return 'a command';
  return `${method} on ${collection}${step === undefined ? '' : ` (${step})`}`;
}
