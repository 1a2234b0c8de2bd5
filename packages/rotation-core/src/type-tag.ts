/** As in `Null`, `Object`, `Date` or `ReadableStream`; also of a value of another realm. */
export const typeTagOf = (value: unknown): string => Object.prototype.toString.call(value).slice('[object '.length, -1);

/** False for arrays, dates and other values of a kind of their own. Classes of BSON are plain by this. */
export const isPlainObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeTagOf(value) === 'Object';
