/** What can go wrong on purpose in a storm. */
export const STORM_FAULT_NAMES = [
  'step-down',
  'kill-primary',
  'kill-secondary',
  'kill-both',
  'freeze-primary',
  'freeze-secondaries',
  'fail-command',
  'commit-unknown',
  'kill-caller',
  'freeze-caller',
  'lost-reply',
  'reset',
  'delay',
  'half-open',
  'cut-off',
  'rollback',
  'abort',
  'tiny-deadline',
] as const;
export type StormFault = (typeof STORM_FAULT_NAMES)[number];

/** What a storm makes in its turn: one fault, or two of different lanes that begin together. */
export type FaultStep = StormFault | `${StormFault}+${StormFault}`;

export const kindsOf = (step: FaultStep): readonly StormFault[] => step.split('+') as StormFault[];

/**
 * What a fault disturbs. Those of one lane come one after the other, for they could undo each other, or leave no member to go on with;
 * those of several lanes may last at the same time.
 */
export type FaultLane = 'members' | 'wire' | 'commands' | 'processes' | 'calls';

export interface StormFaultDescription {
  /** One line for `--help`. */
  readonly about: string;
  readonly lane: FaultLane;
  /** Members that the set must have. Default: 1. */
  readonly minMembers?: number;
  /** Callers come over a wire that can be disturbed. Default: false. */
  readonly needsWire?: boolean;
}

export const STORM_FAULTS: Readonly<Record<StormFault, StormFaultDescription>> = {
  'step-down': { lane: 'members', about: 'the primary steps down, and another member is elected' },
  'kill-primary': { lane: 'members', about: 'kill -9 of the primary, which is started again after 0 to 3 s' },
  'kill-secondary': {
    lane: 'members',
    about: 'kill -9 of a secondary, which is started again after 0 to 3 s',
    minMembers: 3,
  },
  'kill-both': {
    lane: 'members',
    about:
      'kill -9 of the primary and of secondaries, so that no majority is left, until they are started again after 0 to 3 s',
    minMembers: 2,
  },
  'freeze-primary': {
    lane: 'members',
    about: 'SIGSTOP of the primary, and SIGCONT after 1 to 9 s: it is slow, not dead',
  },
  'freeze-secondaries': {
    lane: 'members',
    about: 'SIGSTOP of all secondaries, and SIGCONT after 1 to 9 s: no write gets a majority',
    minMembers: 2,
  },
  'fail-command': {
    lane: 'commands',
    about:
      'for 1 to 3 s, a part of the commands are answered with an error code, or their connections are closed, before they run',
  },
  'commit-unknown': {
    lane: 'commands',
    about: 'for 1 to 3 s, a part of the commits are answered with an error, and were made, or were not',
  },
  'kill-caller': {
    lane: 'processes',
    about: 'kill -9 of a process of callers; its calls stay without answer, and a new process takes its place',
  },
  'freeze-caller': { lane: 'processes', about: 'SIGSTOP of a process of callers, and SIGCONT after 1 to 9 s' },
  'lost-reply': {
    lane: 'wire',
    about: 'for 1 to 4 s, a part of the commands run, and their connections are closed',
    needsWire: true,
  },
  reset: {
    lane: 'wire',
    about: 'for 1 to 4 s, a part of the commands do not run, and their connections are closed',
    needsWire: true,
  },
  delay: { lane: 'wire', about: 'for 1 to 4 s, a part of the commands come up to half a second late', needsWire: true },
  'half-open': {
    lane: 'wire',
    about: 'for 1 to 4 s, nothing comes back on a part of the connections, which stay open',
    needsWire: true,
  },
  'cut-off': {
    lane: 'wire',
    about: 'for 1 to 4 s, callers do not reach the primary, and the other members do',
    needsWire: true,
  },
  rollback: {
    lane: 'members',
    about:
      'the secondaries stop to fetch, and kill -9 of the primary 0.5 to 2 s later: what no majority had is rolled back',
    minMembers: 3,
  },
  abort: {
    lane: 'calls',
    about: 'for 1 to 3 s, a part of the callers give up after 1 to 50 ms, while their calls are under way',
  },
  'tiny-deadline': { lane: 'calls', about: 'for 1 to 3 s, a part of the calls are made with a deadline of 1 to 50 ms' },
};

/** Whether the faults of a step can last at the same time: no two of one lane, and two at most. */
export const canBeginTogether = (step: FaultStep): boolean => {
  const kinds = kindsOf(step);
  return kinds.length <= 2 && new Set(kinds.map((kind) => STORM_FAULTS[kind].lane)).size === kinds.length;
};
