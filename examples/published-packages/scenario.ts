import type { InterleaveOptions } from 'mongo-interleave';

/**
 * What the clients do and what must hold. Where it runs is added by who runs it.
 *
 * @typeParam P what `prepare` returns
 * @typeParam T what a flow returns
 */
export type Scenario<P = undefined, T = number> = Omit<InterleaveOptions<T, P>, 'uri' | 'database'>;
