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
] as const;
export type StormFault = (typeof STORM_FAULT_NAMES)[number];

export interface StormFaultDescription {
  /** One line for `--help`. */
  readonly about: string;
  /** Members that the set must have. Default: 1. */
  readonly minMembers?: number;
  /** Callers come over a wire that can be disturbed. Default: false. */
  readonly needsWire?: boolean;
}

export const STORM_FAULTS: Readonly<Record<StormFault, StormFaultDescription>> = {
  'step-down': { about: 'the primary steps down, and another member is elected' },
  'kill-primary': { about: 'kill -9 of the primary, which is started again after 0 to 3 s' },
  'kill-secondary': { about: 'kill -9 of a secondary, which is started again after 0 to 3 s', minMembers: 3 },
  'kill-both': {
    about:
      'kill -9 of the primary and of secondaries, so that no majority is left, until they are started again after 0 to 3 s',
    minMembers: 2,
  },
  'freeze-primary': { about: 'SIGSTOP of the primary, and SIGCONT after 1 to 9 s: it is slow, not dead' },
  'freeze-secondaries': {
    about: 'SIGSTOP of all secondaries, and SIGCONT after 1 to 9 s: no write gets a majority',
    minMembers: 2,
  },
  'fail-command': {
    about:
      'for 1 to 3 s, a part of the commands are answered with an error code, or their connections are closed, before they run',
  },
  'commit-unknown': {
    about: 'for 1 to 3 s, a part of the commits are answered with an error, and were made, or were not',
  },
  'kill-caller': {
    about: 'kill -9 of a process of callers; its calls stay without answer, and a new process takes its place',
  },
  'freeze-caller': { about: 'SIGSTOP of a process of callers, and SIGCONT after 1 to 9 s' },
  'lost-reply': {
    about: 'for 1 to 4 s, a part of the commands run, and their connections are closed',
    needsWire: true,
  },
  reset: {
    about: 'for 1 to 4 s, a part of the commands do not run, and their connections are closed',
    needsWire: true,
  },
  delay: { about: 'for 1 to 4 s, a part of the commands come up to half a second late', needsWire: true },
  'half-open': {
    about: 'for 1 to 4 s, nothing comes back on a part of the connections, which stay open',
    needsWire: true,
  },
  'cut-off': { about: 'for 1 to 4 s, callers do not reach the primary, and the other members do', needsWire: true },
  rollback: {
    about:
      'the secondaries stop to fetch, and kill -9 of the primary 0.5 to 2 s later: what no majority had is rolled back',
    minMembers: 3,
  },
};
