import type { TestProject } from 'vitest/node';

/** Tells the tests where the replica set is. */
export default function setup(project: TestProject): void {
  const uri = process.env['MONGODB_URI'];
  if (uri === undefined) throw new Error('Set MONGODB_URI to a replica set for the tests');
  project.provide('mongodbUri', uri);
}
