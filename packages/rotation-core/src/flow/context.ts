import type { Db } from 'mongodb';
import type { RotationEvent } from '../events.ts';
import type { ResolvedTestingOptions } from '../options.ts';
import type { Pool } from '../pool.ts';
import type { FlowParts } from './flow-parts.ts';

/** What the verbs of one rotator share. */
export interface RotatorContext {
  readonly db: Db;
  readonly pool: Pool;
  readonly settings: ResolvedTestingOptions;
  readonly flow: FlowParts;
  readonly emit: (event: RotationEvent) => void;
}
