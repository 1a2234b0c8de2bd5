import type { CallOptions, Rotator } from '../../src/index.ts';

/** Each verb but `rotate`. */
export const VERBS: Readonly<Record<string, (rotator: Rotator, options?: CallOptions) => Promise<unknown>>> = {
  bind: (rotator, options) => rotator.bind({ proxyId: 'p2', keyId: 'k1' }, options),
  findRotation: (rotator, options) => rotator.findRotation('r1', options),
  restoreBackup: (rotator, options) => rotator.restoreBackup('b2', options),
  sweep: (rotator, options) => rotator.sweep(options),
  ensureIndexes: (rotator, options) => rotator.ensureIndexes(options),
  checkIndexes: (rotator, options) => rotator.checkIndexes(options),
};
