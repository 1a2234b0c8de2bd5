import type { Db } from 'mongodb';
import { idTextOf, type IdKind, type StoredId } from '../ids.ts';
import { idKindOf, type AnyPool } from '../pool.ts';
import { bsonClassesOf } from './bson-classes.ts';

/** The ids of one pool: texts in the flow, and what the database has. */
export interface OwnIds {
  /** @param text of an id of the pool's kind */
  readonly stored: (text: string) => StoredId;
  /** @returns undefined if the value is no id of the pool's kind: no key or backup of the pool is meant by it. */
  readonly text: (value: unknown) => string | undefined;
  /** Documents by the texts of their ids. */
  readonly byId: <T extends { readonly _id: unknown }>(documents: readonly T[]) => Map<string, T>;
}

/** An id as the service's copy of the driver writes it. @throws as {@link ownIdsOf} does */
export const storedId = (db: Db, { kind, text }: { readonly kind: IdKind; readonly text: string }): StoredId =>
  kind === 'string' ? (text as unknown as StoredId) : bsonClassesOf(db)[kind](text);

/** @throws RotationError `not-a-replica-set` if the server is too old for ids of this kind; see `requireTransactions` */
export function ownIdsOf({ db, pool }: { readonly db: Db; readonly pool: AnyPool }): OwnIds {
  const kind = idKindOf(pool);
  const text = (value: unknown): string | undefined => idTextOf(kind, value);
  return {
    stored: (id) => storedId(db, { kind, text: id }),
    text,
    byId: (documents) =>
      new Map(
        documents.flatMap((document) => {
          const id = text(document._id);
          return id === undefined ? [] : [[id, document] as const];
        }),
      ),
  };
}
