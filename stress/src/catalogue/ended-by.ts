import { InterleaveError, type Interleaving } from 'mongo-interleave';
import type { Detection } from './detection.ts';

/** Looks until the signal fires, which closes the race: what was ended in the middle has seen nothing. */
export async function endedBy(
  signal: AbortSignal,
  interleaving: Interleaving<string>,
  look: () => Promise<Detection | null>,
): Promise<Detection | null> {
  const stop = (): void => void interleaving.close();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await look();
  } catch (error) {
    if (!(signal.aborted && error instanceof InterleaveError)) throw error;
    return null;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
