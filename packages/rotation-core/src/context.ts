import type { Db } from 'mongodb';
import type { RotationEvent } from './events.ts';
import type { Flow } from './flow.ts';
import type { ResolvedOptions } from './options.ts';
import type { Pool } from './pool.ts';

/** What the operations of one rotator share. */
export interface RotatorContext {
  readonly db: Db;
  readonly pool: Pool;
  readonly settings: ResolvedOptions;
  readonly flow: Flow;
  readonly emit: (event: RotationEvent) => void;
}
