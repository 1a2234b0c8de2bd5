import { isDeepStrictEqual } from 'node:util';
import type { Change } from 'mongo-harness';
import type { Document } from 'mongodb';
import type { BackupDocument, BindingDocument, KeyDocument, Pool } from 'rotation-core';
import { archiveOf } from 'rotation-core/testing';
import type { PoolWrite } from '../model/pool-write.ts';
import { archivedIdOf, toBackupState, toBindingState, toKeyState } from './to-states.ts';

/** A change of a document, as `readPool` sees the document. Undefined where it looks the same after it, and where it is none of the pool's. */
export function toPoolWrite(pool: Pool, { collection, before, after }: Change): PoolWrite | undefined {
  const { keys, backups, bindings } = pool.collections;
  const written = <State>(toState: (document: Document) => State): { before?: State; after?: State } | undefined => {
    const states = {
      ...(before === undefined ? {} : { before: toState(before) }),
      ...(after === undefined ? {} : { after: toState(after) }),
    };
    return isDeepStrictEqual(states.before, states.after) ? undefined : states;
  };
  switch (collection) {
    case keys:
      return as(
        'key',
        written((document) => toKeyState(pool, document as KeyDocument)),
      );
    case backups:
      return as(
        'backup',
        written((document) => toBackupState(pool, document as BackupDocument)),
      );
    case bindings:
      return as(
        'binding',
        written((document) => toBindingState(pool, document as BindingDocument)),
      );
    case archiveOf(pool):
      return after === undefined ? undefined : { of: 'archive', keyId: archivedIdOf(after) };
    default:
      return undefined;
  }
}

const as = <Of extends string, States extends object>(
  of: Of,
  states: States | undefined,
): ({ readonly of: Of } & States) | undefined => (states === undefined ? undefined : { of, ...states });
