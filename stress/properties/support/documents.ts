import * as fc from 'fast-check';
import type { BackupDocument, KeyDocument, KeyStatus } from 'rotation-core';
import type { StartBinding } from '../../src/model/start-state.ts';
import { nameWish, type NameWish } from './names.ts';

/** How much of a document is there: `whole` as services write it today, `bare` without any optional field, `foreign` with others'. */
export type Shape = (typeof shapes)[number];
const shapes = ['whole', 'bare', 'foreign'] as const;

const createdAt = new Date('2026-01-02T03:04:05.678Z');
const foreign = { note: 'kept', nested: { list: [1, null, 'x'] }, 'dotted.field': true };

export interface KeySpec {
  readonly bindings: readonly BindingSpec[];
  /** Rotations of the past: of the key, then of its replacement, and so on. */
  readonly past: readonly ('rotation-core' | 'old-flow')[];
  readonly name: NameWish;
  readonly shape: Shape;
  readonly status: KeyStatus;
}

export interface BindingSpec {
  /** Few, so that one proxy often has several keys, and a pair of equal bindings is possible. */
  readonly proxy: number;
  readonly shape: Shape;
}

export interface BackupSpec {
  readonly name: NameWish;
  readonly shape: Shape;
  /**
   * `free`; or damage of the past: `wasted` on one of the keys before or after the backup that serves, used without saying what
   * for, or without the field that says whether it is free.
   */
  readonly use: 'free' | 'wasted before' | 'wasted after' | 'used for nothing' | 'unmarked';
  /** Which key it was wasted on; counts round. */
  readonly wastedOn: number;
}

export const plainKey: Pick<KeySpec, 'shape' | 'status'> = { shape: 'whole', status: 'healthy' };
export const plainBackup: Pick<BackupSpec, 'shape' | 'use'> = { shape: 'whole', use: 'free' };

const shape = fc.constantFrom(...shapes);
const MAX_KEYS = 8;
const MAX_BINDINGS = 4;
const MAX_BACKUPS = 40;

const pastRotations = fc.array(fc.constantFrom('rotation-core', 'old-flow'), { minLength: 1, maxLength: 3 });

const key: fc.Arbitrary<KeySpec> = fc.record({
  bindings: fc.array(fc.record({ proxy: fc.nat(5), shape }), { maxLength: MAX_BINDINGS, size: 'max' }),
  past: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: pastRotations }),
  name: nameWish,
  shape,
  status: fc.constantFrom('healthy', 'rate_limited', 'exhausted', 'error', 'need_refresh'),
});

const backup: fc.Arbitrary<BackupSpec> = fc.record({
  name: nameWish,
  shape,
  use: fc.oneof(
    { weight: 6, arbitrary: fc.constant('free') },
    { weight: 1, arbitrary: fc.constantFrom('wasted before', 'wasted after', 'used for nothing', 'unmarked') },
  ),
  wastedOn: fc.nat(MAX_KEYS - 1),
});

/**
 * One to many, which shrink by dropping elements alone: making all of them plain at once costs far fewer runs. With a `minLength` of 1
 * no shrinking would leave the first element alone.
 */
export const shrinkingToOne = <T>(element: fc.Arbitrary<T>, maxLength: number): fc.Arbitrary<T[]> =>
  fc.array(fc.noShrink(element), { maxLength, size: 'max' }).filter(({ length }) => length > 0);

export const keySpecs = shrinkingToOne(key, MAX_KEYS);
/** From none to plenty, and often few. */
export const backupSpecs = fc.oneof(
  fc.array(fc.noShrink(backup), { maxLength: 6, size: 'max' }),
  fc.array(fc.noShrink(backup), { maxLength: MAX_BACKUPS, size: 'max' }),
);

export function keyDocument(_id: string, { shape: of, status }: KeySpec): KeyDocument {
  const bare = { _id, apiKey: `key of ${_id}` };
  if (of === 'bare') return bare;
  const whole = { ...bare, status, tokensUsed: 7, requestsCount: 3, createdAt };
  return of === 'whole' ? whole : { ...whole, ...foreign };
}

export function bindingDocument(keyId: string, { proxy, shape: of }: BindingSpec, priority: number): StartBinding {
  const bare = { keyId, proxyId: `p${proxy + 1}` };
  if (of === 'bare') return bare;
  const whole = { ...bare, priority, isActive: priority % 2 === 0, createdAt };
  return of === 'whole' ? whole : { ...whole, ...foreign };
}

export function backupDocument(
  _id: string,
  { shape: of, use }: BackupSpec,
  wastedOn: string | undefined,
): BackupDocument {
  const own = { _id, apiKey: `key of ${_id}`, ...(of === 'bare' ? {} : { activated: false, createdAt }) };
  const document = of === 'foreign' ? { ...own, ...foreign } : own;
  switch (use) {
    case 'free':
      return of === 'bare'
        ? { ...document, isUsed: false }
        : { ...document, isUsed: false, usedAt: null, usedFor: null };
    case 'wasted before':
      return { ...document, isUsed: true, usedFor: wastedOn ?? null, usedAt: new Date('2020-01-01') };
    case 'wasted after':
      return { ...document, isUsed: true, usedFor: wastedOn ?? null, usedAt: new Date('2100-01-01') };
    case 'used for nothing':
      return { ...document, isUsed: true };
    case 'unmarked':
      return document;
  }
}
