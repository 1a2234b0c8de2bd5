import { eachPart, fieldText, STRING } from '../footprint/known-fields.ts';
import type { Fields } from '../gate/message.ts';

/** What came up in the commands of the rehearsal. If it comes up in another run as well, it is not drawn anew in each run. */
export class Rehearsed {
  readonly #texts = new Set<string>();

  constructor(steps: readonly { readonly command: Fields }[]) {
    for (const { command } of steps)
      eachPart(
        command,
        (text) => this.#texts.add(text),
        (field) => this.#texts.add(fieldText(field)),
      );
  }

  /** @param text of a value (see `valueText`) */
  hasText(text: string): boolean {
    return this.#texts.has(text);
  }

  hasValue(value: string): boolean {
    return this.#texts.has(STRING + value);
  }

  hasField(name: string): boolean {
    return this.#texts.has(fieldText(name));
  }
}
