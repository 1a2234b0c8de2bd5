import type { System } from './system.ts';
import type { SystemTypes } from './system-types.ts';

/**
 * The system that a module has as its default export. Worker processes load the same module, so it must not do anything else.
 *
 * @throws TypeError where the default export is no system; errors of the import
 */
export async function loadSystem(module: string): Promise<System<SystemTypes>> {
  const { default: system } = (await import(module)) as { readonly default?: Partial<System<SystemTypes>> };
  if (typeof system?.name !== 'string' || typeof system.check !== 'function')
    throw new TypeError(`${module} has no System as its default export`);
  return system as System<SystemTypes>;
}
