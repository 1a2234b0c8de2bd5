import { definePool, keypool, type Brake, type Pool } from 'keypool';

/** So tight that an example meets it, and counted in the database, for all processes together. */
export const BRAKE: Brake = { maxRotations: 6, perMs: 60_000 };

/** The data of the keypool service: names of collections and fields, and what the upstream's answers mean. */
export const pool: Pool = definePool({ ...keypool, brake: BRAKE });
