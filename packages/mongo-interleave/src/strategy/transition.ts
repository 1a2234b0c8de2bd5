/** A step that a search or a sampler may choose. Its `id` stays the same as long as the step is enabled, and is unique in a run. */
export interface Transition {
  readonly id: string;
  readonly client: number;
  /** The held command: the same for the step without a fault and with each fault, and for both steps of an upsert. */
  readonly commandId: string;
}
