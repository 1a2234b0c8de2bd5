export { openGate, type FrozenClient, type Gate, type GateOptions, type RefusedCommand } from './gate.ts';
export { openWire, DISTURBANCE_KINDS, type Disturbance, type DisturbanceKind, type Wire } from './wire.ts';
export type { HeldCommand } from './held-command.ts';
export type { Reply, ServerAddress } from './relay.ts';
