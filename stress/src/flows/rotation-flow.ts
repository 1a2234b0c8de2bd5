import type { FaultMutant, Flow, Mutant, Observer } from 'mongo-harness';
import type { RotationTypes } from '../model/rotation-types.ts';

/* The harness's types, for rotations. */

export type RotationFlow = Flow<RotationTypes>;
export type RotationMutant = Mutant<RotationTypes>;
export type RotationFaultMutant = FaultMutant<RotationTypes>;
export type RotationObserver = Observer<RotationTypes>;
