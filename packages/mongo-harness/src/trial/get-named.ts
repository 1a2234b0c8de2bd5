import { UsageError } from './usage-error.ts';

/** @throws UsageError that lists what there is */
export function getNamed<N extends { readonly name: string }>(what: string, all: readonly N[], name: string): N {
  const found = all.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new UsageError(`There is no ${what} ${name}; there are ${all.map((one) => one.name).join(', ')}.`);
}
