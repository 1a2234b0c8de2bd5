/** @throws TypeError that lists what there is */
export function getNamed<T>(map: ReadonlyMap<string, T>, name: string): T {
  const found = map.get(name);
  if (found === undefined) throw new TypeError(`there is no ${name}; there are ${[...map.keys()].join(', ')}`);
  return found;
}
