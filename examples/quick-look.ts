import type { Db } from 'mongodb';
import { createRotator, keypool, type FailureOutcome, type KeyDocument } from 'keypool';

type OnFailure = (key: KeyDocument, status: number, body: string) => Promise<FailureOutcome>;

/** Once per process, at start-up. */
export async function prepareRotation(db: Db): Promise<OnFailure> {
  const rotator = createRotator(db, keypool); // brings its callers together; holds no connection of its own
  await rotator.ensureIndexes();

  // What the upstream answered, for the key document that was used, as it was read.
  return (key, status, body) => rotator.handleFailure(key, { status, body });
  // { kind: 'rotated', replacement: 'b1', ... }  this caller's rotation was made
  // { kind: 'already-rotated', replacement }     another's was: use the same key
  // { kind: 'cooling-down', until }              the key rests
  // { kind: 'marked' | 'already-marked', until } the key failed for good, and there is no backup
  // unaffected | held-back | other-incarnation | not-found | busy: nothing was changed; indeterminate: ask findRotation later
}
