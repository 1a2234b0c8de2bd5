import { setImmediate } from 'node:timers/promises';
import type { MongoClient } from 'mongodb';

/** A package that goes on without a timer sends its next command within this many turns of the event loop. */
const QUIET_TURNS = 5;

/** For packages that work in the background. @returns waits until the client has no command under way, and none follows */
export function watchBackground(mongo: MongoClient): () => Promise<void> {
  let underWay = 0;
  mongo.on('connectionCheckOutStarted', () => underWay++);
  mongo.on('connectionCheckOutFailed', () => underWay--);
  mongo.on('connectionCheckedIn', () => underWay--);
  return async () => {
    for (let turns = 0; turns < QUIET_TURNS; turns = underWay === 0 ? turns + 1 : 0) await setImmediate();
  };
}
