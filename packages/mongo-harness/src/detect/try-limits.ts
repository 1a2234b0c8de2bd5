/** What one try may cost. */
export interface TryLimits {
  readonly seed: number;
  readonly budgetMs: number;
  readonly signal: AbortSignal;
}
