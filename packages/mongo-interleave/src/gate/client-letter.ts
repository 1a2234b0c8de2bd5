/** The letter of a client in tokens and traces: `A` is client 0. */
export const clientLetter = (client: number): string => String.fromCodePoint(65 + client);
