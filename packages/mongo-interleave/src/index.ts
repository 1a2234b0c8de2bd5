export { openGate, type Gate, type GateOptions, type HeldCommand } from './gate/gate.ts';
export type { Reply, ServerAddress } from './gate/relay.ts';
export { InterleaveError, type InterleaveErrorCode } from './interleave-error.ts';
