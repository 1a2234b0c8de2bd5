import type { Db, MongoClient } from 'mongodb';
import { InterleaveError } from '../interleave-error.ts';

/** Time as a choice of the schedule. */
export interface ClockOptions {
  /** What `client.now()` says before the first tick. Default: 2000-01-01T00:00:00Z, so that runs are the same each time. */
  readonly start?: Date;
  /** How far the clock moves on with each tick, in milliseconds, each above 0. Each tick is one step of the schedule. */
  readonly ticksMs: readonly number[];
}

interface ClockDocument {
  readonly _id: 'clock';
  readonly clockTime: Date;
}

/** In a database of its own, so that no `reset` and no `check` of the user meets it. */
export const CLOCK_COLLECTION = 'interleave.clock';
/** Shown in traces. */
export const CLOCK_FIELD: keyof ClockDocument = 'clockTime';
const DEFAULT_START = new Date('2000-01-01T00:00:00Z');
const THE_CLOCK = { _id: 'clock' } as const;

const clockOf = (mongo: MongoClient, database: string) =>
  mongo.db(`${database}_clock`).collection<ClockDocument>(CLOCK_COLLECTION);

/**
 * Reads the clock, as a command at the gate: in which order it comes with the ticks is a choice of the schedule.
 *
 * @throws InterleaveError `invalid-option` if the scenario has no clock
 */
export async function readClock(mongo: MongoClient, database: string): Promise<Date> {
  const found = await clockOf(mongo, database).findOne(THE_CLOCK);
  if (found === null) throw new InterleaveError('invalid-option', 'client.now() needs the option clock.');
  return found.clockTime;
}

/** Puts the clock back to its start. */
export async function resetClock(db: Db, { start = DEFAULT_START }: ClockOptions): Promise<void> {
  await clockOf(db.client, db.databaseName).replaceOne(THE_CLOCK, { clockTime: start }, { upsert: true });
}

/** Moves the clock on, tick by tick. */
export async function tick(db: Db, { start = DEFAULT_START, ticksMs }: ClockOptions): Promise<void> {
  let ms = start.getTime();
  for (const tickMs of ticksMs) {
    ms += tickMs;
    await clockOf(db.client, db.databaseName).updateOne(THE_CLOCK, { $set: { clockTime: new Date(ms) } });
  }
}
