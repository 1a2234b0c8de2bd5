import type { InterleaveOptions } from 'mongo-interleave';

/**
 * What the clients do and what must hold. Where it runs is added by who runs it.
 *
 * @typeParam P what `prepare` returns
 */
export type Scenario<P = undefined> = Omit<InterleaveOptions<number, P>, 'uri' | 'database'>;
