import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { installOutside } from './support/outside.ts';
import { packAll, PUBLISHED, type Tarballs } from './support/tarballs.ts';
import { versionsOf } from './support/versions.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of each published package. */
    tarballs: Tarballs;
    /** A project outside the workspace with all of the packages, and the compilers. */
    outside: string;
    /** For what else has to be outside the workspace; removed at the end. */
    temporary: string;
  }
}

/** What the packages need of a registry, and the compilers of their users. */
const REGISTRY = ['mongodb', 'fast-check', '@types/node', 'typescript', 'typescript54', 'typescript59'];

/** Packs once, installs once. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const temporary = await mkdtemp(join(tmpdir(), 'packaging-'));
  const remove = (): Promise<void> => rm(temporary, { recursive: true, force: true });
  try {
    const tarballs = await packAll(join(temporary, 'tarballs'));
    const outside = join(temporary, 'outside');
    const packages = PUBLISHED.map(({ name }) => name);
    await installOutside({ folder: outside, tarballs, packages, registry: versionsOf(REGISTRY) });
    project.provide('tarballs', tarballs);
    project.provide('outside', outside);
    project.provide('temporary', temporary);
    return remove;
  } catch (error) {
    await remove();
    throw error;
  }
}
