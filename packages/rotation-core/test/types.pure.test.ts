import type { Document, MongoClient, ObjectId, UUID, WithId } from 'mongodb';
import mongoose, { type Types } from 'mongoose';
import { describe, expectTypeOf, test } from 'vitest';
import {
  createRotator,
  definePool,
  incarnationOf,
  type BackupDocument,
  type FailureOutcome,
  type KeyDocument,
  type KeyId,
  type Pool,
  type RotationOutcome,
  type Rotator,
} from '../src/index.ts';
import { deletingPool } from './support/pools.ts';

/*
 * What compiles in a service, and what does not. The functions here are never called: `tsc` checks this file.
 */
declare const db: ReturnType<MongoClient['db']>;
const objectIds = definePool({ ...deletingPool, idKind: 'objectId' });
const uuids = definePool({ ...deletingPool, idKind: 'uuid' });
const REFUSED = { status: 401 };

describe('the kind of ids', () => {
  // Red where a pool does not carry it: a rotator without a type of ids has strings, and `replacement.toUpperCase()` compiles.
  test('is inferred from the pool', () => {
    expectTypeOf(deletingPool).toEqualTypeOf<Pool>();
    expectTypeOf(objectIds).toEqualTypeOf<Pool<'objectId'>>();
    expectTypeOf(() => {
      expectTypeOf(createRotator(db, deletingPool)).toEqualTypeOf<Rotator>();
      expectTypeOf(createRotator(db, objectIds)).toEqualTypeOf<Rotator<ObjectId>>();
      expectTypeOf(createRotator(db, uuids, { deadlineMs: 1 })).toEqualTypeOf<Rotator<UUID>>();
      createRotator(db, objectIds, {
        verify: (backup) => {
          expectTypeOf(backup._id).toEqualTypeOf<ObjectId>();
          return { kind: 'usable' };
        },
      });
      // @ts-expect-error ids of this pool are no strings
      const wrong: Rotator = createRotator(db, objectIds);
      return wrong;
    }).toBeFunction();
  });

  test('may be told where the classes are of another copy', () => {
    expectTypeOf(() => {
      expectTypeOf(createRotator<Types.ObjectId>(db, objectIds)).toEqualTypeOf<Rotator<Types.ObjectId>>();
      expectTypeOf(createRotator<KeyId>(db, uuids)).toEqualTypeOf<Rotator<KeyId>>();
      expectTypeOf(createRotator<string>(db, deletingPool)).toEqualTypeOf<Rotator>();
    }).toBeFunction();
  });

  test('keyId of an answer is what was asked for, which may be a text', () => {
    expectTypeOf<RotationOutcome<ObjectId>['keyId']>().toEqualTypeOf<ObjectId | string>();
    expectTypeOf<FailureOutcome<ObjectId>['keyId']>().toEqualTypeOf<ObjectId | string>();
    expectTypeOf<Extract<RotationOutcome<ObjectId>, { kind: 'rotated' }>['replacement']>().toEqualTypeOf<ObjectId>();
  });
});

describe('handleFailure takes', () => {
  const Key = mongoose.model(
    'TypesKey',
    new mongoose.Schema({ apiKey: { type: String, required: true }, createdAt: Date, incarnation: String }),
  );
  const StampedKey = mongoose.model('TypesStampedKey', new mongoose.Schema({ apiKey: String }, { timestamps: true }));

  test('documents of mongoose', () => {
    expectTypeOf(async () => {
      const rotator = createRotator<Types.ObjectId>(db, objectIds);
      await rotator.handleFailure(await Key.findOne().orFail(), REFUSED);
      await rotator.handleFailure(await Key.findOne().lean().orFail(), REFUSED);
      await rotator.handleFailure(await StampedKey.findOne().orFail(), REFUSED);
      incarnationOf(await Key.findOne().orFail());
    }).toBeFunction();
  });

  test('documents of the driver, of any schema, and keys from JSON', () => {
    interface OwnKey {
      _id: ObjectId;
      apiKey: string | null;
      createdAt: Date | null;
      status: number;
    }
    expectTypeOf(async () => {
      const rotator = createRotator(db, objectIds);
      await rotator.handleFailure({} as KeyDocument<ObjectId>, REFUSED);
      await rotator.handleFailure({} as OwnKey, REFUSED);
      await rotator.handleFailure({} as WithId<Document>, REFUSED);
      await rotator.handleFailure({ _id: '66a0', createdAt: '2026-01-01T00:00:00.000Z' }, REFUSED);
      await createRotator(db, deletingPool).handleFailure({ _id: 'k1', createdAt: 1_767_225_600_000 }, REFUSED);
    }).toBeFunction();
  });

  test('no Response, whose body is a stream', () => {
    expectTypeOf(async () => {
      const response = await fetch('http://127.0.0.1');
      const rotator = createRotator(db, deletingPool);
      const { status, headers } = response;
      await rotator.handleFailure({ _id: 'k1' }, { status, headers, body: await response.text() });
      // @ts-expect-error the text of the body is missing
      await rotator.handleFailure({ _id: 'k1' }, response);
    }).toBeFunction();
  });
});

test('verify gets fields of the service', () => {
  expectTypeOf(() =>
    createRotator(db, objectIds, {
      verify: (backup) => {
        expectTypeOf(backup['provider']).toEqualTypeOf<unknown>();
        expectTypeOf(backup.apiKey).toEqualTypeOf<BackupDocument['apiKey']>();
        return { kind: 'usable' };
      },
    }),
  ).toBeFunction();
});

test('bind takes a proxy by an id of any kind', () => {
  expectTypeOf(async () => {
    const rotator = createRotator(db, deletingPool);
    for (const proxyId of ['p1', {} as ObjectId, {} as UUID, {} as Types.ObjectId])
      await rotator.bind({ proxyId, keyId: 'k1' });
  }).toBeFunction();
});
