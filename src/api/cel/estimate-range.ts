/** A size or cost between two bounds. Numbers saturate at 2^64, as cel-go's do. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

export const largest = 2 ** 64;
export const zero: Range = { min: 0, max: 0 };
export const one: Range = { min: 1, max: 1 };
export const unknownSize: Range = { min: 0, max: largest };

const cap = (value: number): number => Math.min(value, largest);

export const fixed = (value: number): Range => ({ min: value, max: value });
export const add = (...ranges: readonly Range[]): Range => ({
  min: cap(ranges.reduce((sum, range) => sum + range.min, 0)),
  max: cap(ranges.reduce((sum, range) => sum + range.max, 0)),
});
export const multiply = (a: Range, b: Range): Range => ({ min: cap(a.min * b.min), max: cap(a.max * b.max) });
export const union = (a: Range, b: Range): Range => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) });

/** Times a factor, rounded up. */
export const scale = (range: Range, factor: number): Range => ({
  min: cap(Math.ceil(range.min * factor)),
  max: cap(Math.ceil(range.max * factor)),
});
