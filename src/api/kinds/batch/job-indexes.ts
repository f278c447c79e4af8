/** What a text of indexes says. `problem` is upstream's text when it says nothing. */
export interface Indexes {
  readonly total: number;
  readonly problem?: string;
}

type Interval = readonly [first: number, last: number];

/** `1,3-5,7`: increasing numbers below `completions`, and how many there are. Source: batch/validation validateIndexesFormat. */
export function parseIndexes(text: string, completions: number): Indexes {
  let last: number | undefined;
  let total = 0;
  for (const part of text === '' ? [] : text.split(',')) {
    const interval = parseInterval(part, completions);
    if (typeof interval === 'string') return { total: 0, problem: interval };
    const [first, end] = interval;
    if (last !== undefined && last >= first) {
      return { total: 0, problem: `non-increasing order, previous: ${last}, current: ${first}` };
    }
    total += end - first + 1;
    last = end;
  }
  return { total };
}

/** The first index that both texts name; parts of no form are passed over. */
export function findOverlap(one: string, other: string, completions: number): number | undefined {
  const intervals = (text: string) =>
    text.split(',').flatMap(part => {
      const interval = parseInterval(part, completions);
      return typeof interval === 'string' ? [] : [interval];
    });
  const [left, right] = [intervals(one), intervals(other)];
  for (let i = 0, k = 0; i < left.length && k < right.length; ) {
    const [a, b] = [left[i]!, right[k]!];
    if (a[0] <= b[1] && b[0] <= a[1]) return Math.max(a[0], b[0]);
    if (a[0] <= b[0]) i++;
    else k++;
  }
  return undefined;
}

function parseInterval(text: string, completions: number): Interval | string {
  const limits = text.split('-');
  if (limits.length > 2) {
    const rule = "violates the requirement that an index interval can have at most two parts separated by '-'";
    return `the fragment ${JSON.stringify(text)} ${rule}`;
  }
  const numbers: number[] = [];
  for (const limit of limits) {
    if (!/^\+?\d+$/.test(limit)) return `cannot convert string to integer for index: ${JSON.stringify(limit)}`;
    const number = Number(limit);
    if (number >= completions) return `too large index: ${JSON.stringify(limit)}`;
    numbers.push(number);
  }
  const [first = 0, last = first] = numbers;
  if (limits.length === 2 && first >= last) return `non-increasing order, previous: ${first}, current: ${last}`;
  return [first, last];
}
