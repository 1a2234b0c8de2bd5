/**
 * Server parameters for the members of a set in which failovers are explored, as `startReplicaSet({ setParameters })` of
 * mongo-test-replica-set takes them. The fail points need `enableTestCommands`; with them the members have a new primary, and follow it, in
 * some ten milliseconds instead of one to three seconds. With one writer each member has the documents of a collection in the order in which they
 * were written, so that a find without a sort gives the same after each failover.
 */
export const FAILOVER_PARAMETERS: Readonly<Record<string, string | number>> = {
  replWriterThreadCount: 1,
  'failpoint.forceHeartbeatIntervalMS': '{ mode: "alwaysOn", data: { intervalMS: 50 } }',
  'failpoint.forceBgSyncSyncSourceRetryWaitMS': '{ mode: "alwaysOn", data: { sleepMS: 10 } }',
};
