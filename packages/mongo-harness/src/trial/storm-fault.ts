/** What can go wrong on purpose in a storm. */
export const STORM_FAULT_NAMES = ['step-down', 'kill-primary'] as const;
export type StormFault = (typeof STORM_FAULT_NAMES)[number];

/** One line each, for `--help`. */
export const STORM_FAULTS: Readonly<Record<StormFault, string>> = {
  'step-down': 'the primary steps down, and another member is elected',
  'kill-primary': 'kill -9 of the primary, which is started again after 0 to 3 s',
};
