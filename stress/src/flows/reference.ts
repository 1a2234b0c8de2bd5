import type { ExplorationPlace, StormPlace } from 'mongo-harness';
import { referenceFlow } from 'rotation-core/testing';
import { unbrakedDeployments } from '../deployments.ts';
import { DEADLINE_MS, MAX_BARE_CONCURRENCY, openRotator } from './open-rotator.ts';
import type { RotationFlow } from './rotation-flow.ts';

const PROCESSES = 4;
const STORMS = ['same-key', 'many-keys', 'scarce', 'chain'];
const PAIR = 2;

const everyDeployment = unbrakedDeployments.map(({ name }) => name);
const sameKey = (deployment: string, callers: number): ExplorationPlace => ({
  scenario: 'same-key',
  deployment,
  callers,
});
const onKeypool = (scenario: string, callers = PAIR): ExplorationPlace => ({
  scenario,
  deployment: 'keypool',
  callers,
});

const FAILOVERS = ['step-down', 'kill-primary'] as const;

/** Retired keys are deleted or kept; in `mixed` the callers of one deployment do both. */
const MIXED_TRAFFIC: readonly StormPlace[] = [
  { scenario: 'mixed-traffic', deployment: 'mixed', processes: PROCESSES },
  { scenario: 'mixed-traffic', deployment: 'openhandspool', processes: 1 },
  { scenario: 'mixed-traffic', deployment: 'mixed', processes: PROCESSES, faults: FAILOVERS },
];

/** Before, one service deleted a failed key, and one kept it. */
const WITH_OLDER_FLOWS = ['keypool', 'openhandspool'];
const besideOlderFlows = WITH_OLDER_FLOWS.map((deployment): StormPlace => {
  return { scenario: 'older-flow', deployment, processes: PROCESSES };
});

const storms: readonly StormPlace[] = [
  ...everyDeployment.flatMap((deployment) =>
    STORMS.flatMap((scenario) => [
      { scenario, deployment, processes: 1 },
      { scenario, deployment, processes: PROCESSES },
    ]),
  ),
  ...everyDeployment.flatMap((deployment) =>
    [1, PROCESSES].map((processes) => ({ scenario: 'many-keys', deployment, processes, faults: FAILOVERS })),
  ),
  { scenario: 'late-callers', deployment: 'openhandspool', processes: PROCESSES },
  { scenario: 'poisoned-backup', deployment: 'keypool', processes: PROCESSES },
  { scenario: 'upstream-down', deployment: 'braked', processes: PROCESSES },
  ...besideOlderFlows,
  ...MIXED_TRAFFIC,
];

export const reference: RotationFlow = {
  name: 'reference',
  about: 'the flow of rotation-core as services use it',
  expected: 'valid',
  deadlineMs: DEADLINE_MS,
  takesPatience: true,
  storms,
  longStorms: [
    ...everyDeployment.map((deployment) => ({ scenario: 'many-keys', deployment, processes: PROCESSES })),
    { scenario: 'mixed-traffic', deployment: 'mixed', processes: PROCESSES },
  ],
  explorations: [
    ...everyDeployment.flatMap((deployment) => [sameKey(deployment, PAIR), sameKey(deployment, PAIR + 1)]),
    onKeypool('scarce'),
  ],
  operates: true,
  shares: true,
  open: openRotator(() => referenceFlow, { coalesce: true }),
};

/** Each third backup is one that its upstream refuses: b1, b4, b7 and so on. */
const isRefused = (backupId: string): boolean => Number(backupId.slice(1)) % 3 === 1;

export const referenceVerifying: RotationFlow = {
  name: 'reference-verify',
  about:
    'the same flow, in services that verify backups before their use; the upstream refuses b1 and each third one after it',
  expected: 'valid',
  deadlineMs: DEADLINE_MS,
  takesPatience: true,
  storms: [{ scenario: 'bad-backups', deployment: 'keypool', processes: PROCESSES }],
  explorations: [{ scenario: 'bad-backups', deployment: 'keypool', callers: PAIR }],
  maxConcurrency: MAX_BARE_CONCURRENCY,
  open: openRotator(() => referenceFlow, {
    coalesce: false,
    verify: ({ _id }) => (isRefused(_id) ? { kind: 'unusable', reason: 'refused' } : { kind: 'usable' }),
  }),
};

/** Slow, and the same flow: through both ways of retiring. */
const BARE = ['keypool', 'mixed'];
/** A crash alone meets each command without a rival in between; the rival comes before, after, or where the caller is blocked. */
const CRASH = { faults: ['crash-after'] } as const;
/** Each command, before or after a rival, as with the crash. Every interleaving would take hours: a step-down commutes with nothing. */
const FAILOVER: Partial<ExplorationPlace> = { faults: ['step-down', 'step-down-after'], maxPreemptions: 0 };

export const referenceBare: RotationFlow = {
  name: 'reference-bare',
  about: 'the same flow with a transaction for each caller: nothing is shared inside a process',
  expected: 'valid',
  deadlineMs: DEADLINE_MS,
  takesPatience: true,
  storms: [
    ...BARE.flatMap((deployment) => STORMS.map((scenario) => ({ scenario, deployment, processes: PROCESSES }))),
    { scenario: 'late-callers', deployment: 'keypool', processes: PROCESSES },
    // Fewer callers at once meet an older flow in more of its steps.
    ...besideOlderFlows,
  ],
  explorations: [
    ...everyDeployment.flatMap((deployment) => [
      sameKey(deployment, PAIR),
      sameKey(deployment, PAIR + 1),
      { ...sameKey(deployment, PAIR), ...CRASH, maxPreemptions: 0 },
    ]),
    { ...sameKey('keypool', PAIR), ...CRASH },
    { ...sameKey('keypool', PAIR), ...FAILOVER },
    ...['many-keys', 'scarce', 'chain'].map((scenario) => onKeypool(scenario)),
    onKeypool('binding-added', 1),
    ...['keypool', 'openhandspool'].map((deployment) => ({ scenario: 'restore', deployment, callers: 1 })),
    onKeypool('put-back'),
    onKeypool('swept', 1),
    { scenario: 'restored-and-put-back', deployment: 'openhandspool', callers: 1 },
    onKeypool('other-incarnation'),
    ...WITH_OLDER_FLOWS.map((deployment) => ({ scenario: 'older-flow', deployment, callers: PAIR })),
    { scenario: 'upstream-down', deployment: 'braked', callers: PAIR },
  ],
  operates: true,
  maxConcurrency: MAX_BARE_CONCURRENCY,
  open: openRotator(() => referenceFlow, { coalesce: false }),
};
