import type { SystemTypes } from 'mongo-harness';

/** The types of the job queue, by the names that the harness has for them. */
export interface JobQueue extends SystemTypes {
  readonly call: { readonly op: 'work' | 'expire' };
  readonly answer: { readonly kind: 'ran'; readonly job: string } | { readonly kind: 'lost' | 'empty' | 'expired' };
  readonly state: readonly {
    readonly _id: string;
    readonly state: 'ready' | 'leased' | 'done';
    readonly runs: number;
  }[];
  readonly start: { readonly jobs: number };
  readonly service: { readonly name: string };
}
