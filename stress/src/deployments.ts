import { keypool } from 'keypool';
import type { Deployment } from 'mongo-harness';
import { openhands } from 'openhands';
import { openhandspool } from 'openhandspool';
import type { Pool } from 'rotation-core';
import type { RotationTypes } from './model/rotation-types.ts';

const archivingOpenhands: Pool = { ...openhands, retirement: { kind: 'delete', archive: 'openhands_keys_archive' } };

/** Storms let hundreds of keys fail at once, which is what the brake is against. */
const unbraked = (pool: Pool): Pool => ({ ...pool, brake: false });

const deploy = (name: string, service: Pool, ...others: Pool[]): Deployment<RotationTypes> => ({
  name,
  services: [unbraked(service), ...others.map(unbraked)],
  traceFields: [service.bindingKeyField, 'isUsed', 'usedFor', 'proxyId'],
});

/** Each adapter, and two services that share their collections. */
export const unbrakedDeployments: readonly [Deployment<RotationTypes>, ...Deployment<RotationTypes>[]] = [
  deploy('keypool', keypool),
  deploy('openhands', archivingOpenhands),
  deploy('openhandspool', openhandspool),
  deploy('mixed', openhands, openhandspool),
];

/** Longer than any run: what counts when a run begins, counts until its end. */
const BRAKE_PER_MS = 24 * 60 * 60_000;
export const BRAKE_MAX_ROTATIONS = 20;

const braked: Deployment<RotationTypes> = {
  ...unbrakedDeployments[0],
  name: 'braked',
  services: [{ ...keypool, brake: { maxRotations: BRAKE_MAX_ROTATIONS, perMs: BRAKE_PER_MS } }],
};

/** Those of the adapters, and one with a brake at a small bound, for scenarios that are about it. */
export const deployments: readonly [Deployment<RotationTypes>, ...Deployment<RotationTypes>[]] = [
  ...unbrakedDeployments,
  braked,
];
