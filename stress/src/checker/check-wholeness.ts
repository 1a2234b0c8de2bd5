import type { BindingState, PoolState } from '../model/pool-state.ts';
import { groupBy, type Replacements } from './replacements.ts';
import type { RotationViolation } from './invariants.ts';

/** Of a shown value, in characters. */
const MAX_VALUE = 80;

/**
 * I3: where a key was replaced, it was replaced whole, its copy in the archive included; no binding dangles, none is lost,
 * doubled or changed.
 */
export function checkWholeness(start: PoolState, state: PoolState, replacements: Replacements): RotationViolation[] {
  const violations: RotationViolation[] = [];
  const broken = (sentence: string): void => {
    violations.push({ invariant: 'I3', sentence });
  };
  const bindingsBefore = groupBy(start.bindings, ({ keyId }) => keyId);
  const bindingsNow = groupBy(state.bindings, ({ rest }) => rest);
  const restsBefore = new Set(start.bindings.map(({ rest }) => rest));
  const newOnes = new Map(
    [...bindingsNow.keys()].filter((rest) => !restsBefore.has(rest)).map((rest) => [proxyOf(rest), rest]),
  );
  /** What bindings of the start have become, where a field of them changed. */
  const changed = new Set<string>();

  for (const key of start.keys.values()) {
    if (!key.live) continue;
    const isLive = state.keys.get(key.id)?.live === true;
    const holder = isLive ? key.id : replacements.liveEndOf(key.id);
    if (holder === undefined) {
      broken(`${key.id} was retired, and no live key took its place`);
      continue;
    }
    for (const [rest, same] of groupBy(bindingsBefore.get(key.id) ?? [], (binding) => binding.rest)) {
      const now = bindingsNow.get(rest) ?? [];
      const onHolder = now.filter(({ keyId }) => keyId === holder).length;
      if (now.length === 0) {
        const proxyId = proxyOf(rest);
        const became = proxyId === undefined ? undefined : newOnes.get(proxyId);
        if (became !== undefined) changed.add(became);
        const what =
          became === undefined ? `lost: ${nameOf(rest)}` : `changed: ${nameOf(rest)}, ${changes(rest, became)}`;
        broken(`a binding of ${key.id} was ${what}`);
      } else if (onHolder < same.length)
        broken(`a binding of ${key.id} should point to ${holder}, but points to ${targetsOf(now)}: ${nameOf(rest)}`);
    }
  }

  const countBefore = new Map(
    [...groupBy(start.bindings, ({ rest }) => rest)].map(([rest, { length }]) => [rest, length]),
  );
  const dangledBefore = new Set(
    start.bindings.filter(({ keyId }) => start.keys.get(keyId)?.live !== true).map((binding) => nameWithKey(binding)),
  );
  for (const [rest, now] of bindingsNow) {
    const before = countBefore.get(rest) ?? 0;
    if (now.length > before && !changed.has(rest))
      broken(`a binding was ${before === 0 ? 'made up' : 'doubled'}, on ${targetsOf(now)}: ${nameOf(rest)}`);
    for (const { keyId } of now) {
      if (state.keys.get(keyId)?.live !== true && !dangledBefore.has(nameWithKey({ keyId, rest })))
        broken(`a binding dangles on ${keyId}, which is not a live key: ${nameOf(rest)}`);
    }
  }

  for (const [keyId, taken] of replacements.takenFor) {
    if (state.archived?.has(keyId) === false && state.keys.get(keyId)?.live !== true)
      broken(`${keyId} was retired, and the archive has no copy of it`);
    for (const { id, apiKey } of taken) {
      const key = state.keys.get(id);
      if (key !== undefined && key.apiKey !== apiKey) broken(`${id} is a key with another apiKey than the backup's`);
    }
  }
  return violations;
}

const nameWithKey = ({ keyId, rest }: BindingState): string => JSON.stringify([keyId, rest]);

const targetsOf = (bindings: readonly BindingState[]): string =>
  [...new Set(bindings.map(({ keyId }) => keyId))].join(' and ');

const fieldsOf = (rest: string): Readonly<Record<string, unknown>> => JSON.parse(rest) as Record<string, unknown>;

const proxyOf = (rest: string): unknown => fieldsOf(rest)['proxyId'];

/** As in `isActive was true and is false`. */
function changes(before: string, now: string): string {
  const [fieldsBefore, fieldsNow] = [fieldsOf(before), fieldsOf(now)];
  const names = new Set([...Object.keys(fieldsBefore), ...Object.keys(fieldsNow)]);
  const text = (value: unknown): string =>
    value === undefined ? 'missing' : JSON.stringify(value).slice(0, MAX_VALUE);
  return [...names]
    .map((name) => ({ name, was: text(fieldsBefore[name]), is: text(fieldsNow[name]) }))
    .filter(({ was, is }) => was !== is)
    .map(({ name, was, is }) => `${name} was ${was} and is ${is}`)
    .join(', ');
}

/** The proxy's name is what a reader looks for. */
function nameOf(rest: string): string {
  const proxyId = proxyOf(rest);
  return typeof proxyId === 'string' ? `proxy ${proxyId}` : rest;
}
