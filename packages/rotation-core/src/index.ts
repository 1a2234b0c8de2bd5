export { classifyFailure, type FailureVerdict, type UpstreamFailure } from './classify-failure.ts';
export {
  incarnationOf,
  type BackupDocument,
  type BindingDocument,
  type IncarnationFields,
  type KeyDocument,
  type Predecessor,
} from './documents.ts';
export { RotationError, type RotationErrorCode } from './errors.ts';
export type { RetryReason, RotationEvent, RotationListener, Unusable } from './events.ts';
export type { IdKind, IdTypes, KeyId } from './ids.ts';
export type { CallOptions, RotateOptions, RotatorOptions } from './options.ts';
export type { RotationOutcome } from './outcomes.ts';
export {
  ANTHROPIC_FAILURES,
  COMMON_FAILURES,
  GEMINI_FAILURES,
  LITELLM_FAILURES,
  OPENAI_FAILURES,
} from './failure-presets.ts';
export type { FailureAction, FailureMarks, FailureRule, FailureRules, RotationReason } from './failures.ts';
export { definePool } from './define-pool.ts';
export type { Brake, FieldValues, KeyStatus, Pool, RecordArchive, Retirement, SetAsideFields } from './pool.ts';
export type { BindOutcome, BindRequest } from './verbs/bind.ts';
export { createRotator, type Rotator } from './verbs/create-rotator.ts';
export type { MissingStructure } from './verbs/ensure-indexes.ts';
export type { FoundRotation } from './verbs/find-rotation.ts';
export type { FailureOutcome, UsedKey } from './verbs/handle-failure.ts';
export type { AnyDb } from './verbs/require-db.ts';
export type { RestoreOutcome } from './verbs/restore-backup.ts';
export type { BackupVerdict, VerifyBackup } from './verify.ts';
export type { SweepResult } from './verbs/sweep.ts';
