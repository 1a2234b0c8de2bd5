import type { FaultMethod, FaultSite } from './fault-method.ts';
import { MAX_FROZEN_MS, MIN_FROZEN_MS } from './freeze-members.ts';
import { between } from './hold.ts';

/** Over when a new process has taken the place of the killed one. */
export const killCaller: FaultMethod = async (site) => {
  const process = choose(site);
  return { target: `process ${process}`, process, run: () => site.callers.kill(process) };
};

export const freezeCaller: FaultMethod = async (site) => {
  const process = choose(site);
  const frozenMs = between(MIN_FROZEN_MS, MAX_FROZEN_MS, site.random);
  return {
    target: `process ${process}`,
    process,
    run: (signal) => site.callers.freeze(process, frozenMs, signal),
  };
};

function choose({ callers: { numbers }, random }: FaultSite): number {
  const process = numbers[Math.floor(random() * numbers.length)];
  if (process === undefined) throw new Error('no process of callers runs');
  return process;
}
