import type { Collection, CollectionOptions, Db } from 'mongodb';
import { WRITING_STEPS, type Steps } from './steps/index.ts';

/** Where a call is: the command that was sent last. An error says it. */
export interface Place {
  /** The step of the flow, as in `claimBackups`. */
  step?: string | undefined;
  /** The driver's method, as in `updateOne`. */
  method?: string | undefined;
  /** Where the method is one of the database, its name. */
  collection?: string | undefined;
}

/** Notes in `place` which method is called on the database or on one of its collections, for calls through the returned Db. */
export function notePlace(db: Db, place: Place): Db {
  const openCollection = (name: string, options?: CollectionOptions): Collection => {
    const collection = db.collection(name, options);
    return intercept(collection, (method) => {
      place.method = method;
      place.collection = collection.collectionName;
    });
  };
  const noted = intercept(db, (method, [name]) => {
    place.method = method;
    place.collection = typeof name === 'string' ? name : db.databaseName;
  });
  return new Proxy(noted, {
    get: (target, name) => (name === 'collection' ? openCollection : Reflect.get(target, name)),
  });
}

/** As `target`, with `note` called before each of its methods. They run on the target itself, which may have private fields. */
function intercept<T extends object>(target: T, note: (method: string, args: readonly unknown[]) => void): T {
  return new Proxy(target, {
    get: (_target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof name !== 'string' || typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        note(name, args);
        return Reflect.apply(value, target, args);
      };
    },
  });
}

/**
 * Notes in `place` which step runs.
 *
 * @param beforeWrite called before each step that writes
 * @param onAnswered called after each step: the database has answered
 */
export function noteSteps(
  steps: Steps,
  place: Place,
  { beforeWrite, onAnswered }: { readonly beforeWrite?: () => void; readonly onAnswered?: () => void } = {},
): Steps {
  const noted = Object.entries(steps).map(([name, step]: [string, (...args: never[]) => Promise<unknown>]) => [
    name,
    async (...args: never[]) => {
      if (WRITING_STEPS.has(name)) beforeWrite?.();
      place.step = name;
      const result = await step(...args);
      place.step = undefined;
      onAnswered?.();
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
