import { StartStates } from '../footprint/start-states.ts';
import { LoopBook } from './loop-book.ts';

/** What the workers of one session learn, each for all. */
export interface SharedKnowledge {
  readonly loops: LoopBook;
  readonly startStates: StartStates;
}

export const nothingKnown = (): SharedKnowledge => ({ loops: new LoopBook(), startStates: new StartStates() });
