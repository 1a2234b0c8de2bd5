export type { BindOutcome, BindRequest } from './bind.ts';
export {
  classifyFailure,
  commonFailures,
  type FailureRule,
  type FailureRules,
  type FailureVerdict,
  type UpstreamFailure,
} from './classify-failure.ts';
export { createRotator, type Rotator } from './create-rotator.ts';
export { incarnationOf, type BackupDocument, type BindingDocument, type KeyDocument } from './documents.ts';
export type { RotationEvent, RotationListener } from './events.ts';
export type { FoundRotation } from './find-rotation.ts';
export type { RotateOptions, RotatorOptions } from './options.ts';
export type { RotationOutcome } from './outcomes.ts';
export { definePool, type KeyStatus, type Pool, type Retirement, type RotationReason } from './pool.ts';
export type { RestoreOutcome } from './restore-backup.ts';
export { RotationError, type RotationErrorCode } from './rotation-error.ts';
export type { SweepResult } from './sweep.ts';
