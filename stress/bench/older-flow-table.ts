import type { OlderFlowDamage } from '../src/checker/check-beside-older-flow.ts';

/** A row of the table. */
export interface Measured {
  readonly who: string;
  readonly flow: string;
  readonly deployment: string;
}

export interface Column {
  readonly title: string;
  readonly cell: 'who' | 'deployment' | ((damage: OlderFlowDamage) => number);
}

const ALONE = 'the older flow alone';
const BESIDE = 'half of each';
const NOT_AWAITED = 'half of each, `maxOlderFlowMs: 0`';

export const MEASURED: readonly Measured[] = [
  { who: ALONE, flow: 'checked-claim', deployment: 'keypool' },
  { who: BESIDE, flow: 'reference', deployment: 'keypool' },
  { who: NOT_AWAITED, flow: 'older-flow-not-awaited', deployment: 'keypool' },
  { who: ALONE, flow: 'kept-key', deployment: 'openhandspool' },
  { who: BESIDE, flow: 'reference', deployment: 'openhandspool' },
  { who: NOT_AWAITED, flow: 'older-flow-not-awaited', deployment: 'openhandspool' },
];

export const COLUMNS: readonly Column[] = [
  { title: 'pool', cell: 'deployment' },
  { title: 'processes', cell: 'who' },
  { title: 'backups used', cell: ({ used }) => used },
  { title: 'wasted by the older flow', cell: ({ wastedByOlderFlow }) => wastedByOlderFlow },
  { title: 'wasted by rotations', cell: ({ wastedByRotations }) => wastedByRotations },
  { title: 'bindings lost', cell: ({ lostBindings }) => lostBindings },
  { title: 'callers told `not-found`', cell: ({ notFound }) => notFound },
];
