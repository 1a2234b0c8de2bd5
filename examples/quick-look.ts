import type { Db } from 'mongodb';
import {
  classifyFailure,
  createRotator,
  incarnationOf,
  keypool,
  type KeyDocument,
  type RotationOutcome,
} from 'keypool';

type OnFailure = (key: KeyDocument, status: number, body: string) => Promise<RotationOutcome | undefined>;

/** Once per process, at start-up. */
export async function prepareRotation(db: Db): Promise<OnFailure> {
  const rotator = createRotator(db, keypool); // brings its callers together; holds no connection of its own
  await rotator.ensureIndexes();

  return async (key, status, body) => {
    const verdict = classifyFailure(keypool, { status, body });
    if (verdict.action !== 'rotate') return undefined; // 429 cools down, it never rotates

    return await rotator.rotate(key._id, { incarnation: incarnationOf(key), reason: verdict.reason });
    // { kind: 'rotated', replacement: 'b1', ... }  this caller's rotation was made
    // { kind: 'already-rotated', replacement }     another's was: use the same key
    // no-backup | held-back | not-found | other-incarnation | busy: nothing was changed; indeterminate: ask findRotation later
  };
}
