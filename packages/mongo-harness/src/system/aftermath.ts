/** What must hold of a storm, whatever the system: the names of violations beside the invariants of the system. */
export const AFTERMATH: Readonly<Record<string, string>> = {
  'members-agree': 'after a fault, all members have the same data',
  'collections-valid': 'after a fault, the validation of each collection finds nothing',
  'nothing-blocked': 'after a fault, no transaction stays open that nobody goes on with',
  'served-again': 'after a fault, each call is served in time',
  'in-time': 'each call is answered by its deadline',
};
