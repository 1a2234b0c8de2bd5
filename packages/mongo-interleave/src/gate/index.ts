export { openGate, type FrozenClient, type Gate, type GateOptions } from './gate.ts';
export type { HeldCommand } from './held-command.ts';
export type { Reply, ServerAddress } from './relay.ts';
