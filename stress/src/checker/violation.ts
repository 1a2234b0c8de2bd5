export type PromiseName = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I7';

/** A broken promise, in one sentence that names documents, callers and the step that broke it. */
export interface Violation {
  readonly promise: PromiseName;
  readonly sentence: string;
}

/** The promises in short, for reports. */
export const promiseTexts: Readonly<Record<PromiseName, string>> = {
  I1: 'no backup claimed twice',
  I2: 'no backup wasted',
  I3: 'the key is replaced whole',
  I4: 'no backup, nothing lost',
  I5: 'one rotation, everybody knows',
  I7: 'linearizable',
};
