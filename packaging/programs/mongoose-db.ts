/* Compiled beside mongoose, whose Db is of another copy of the driver than the packages' types. */
import { createRotator, keypool, type Rotator } from 'keypool';
import mongoose from 'mongoose';

export function openRotator(): Rotator {
  const { db } = mongoose.connection;
  if (db === undefined) throw new Error('not connected');
  return createRotator(db, keypool);
}

// @ts-expect-error a Db is no text
createRotator('rotation', keypool);
