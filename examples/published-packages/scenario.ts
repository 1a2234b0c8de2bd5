import type { Db } from 'mongodb';
import type { FlowClient, InterleaveOptions } from 'mongo-interleave';

/** What a flow needs of its client: the parts that mean the same without the gate. */
type ScenarioClient = Pick<FlowClient, 'index' | 'letter' | 'life' | 'mongo' | 'uri' | 'track'>;

/**
 * What the clients do and what must hold. Where it runs is added by who runs it.
 *
 * @typeParam P what `prepare` returns
 * @typeParam T what a flow returns
 */
export interface Scenario<P = undefined, T = number> extends Omit<
  InterleaveOptions<T, P>,
  'uri' | 'database' | 'flow' | 'prepare'
> {
  readonly prepare?: (client: ScenarioClient, db: Db) => Promise<P>;
  readonly flow: (client: ScenarioClient, db: Db, prepared: P) => Promise<T>;
}
