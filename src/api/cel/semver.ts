/** A text that is no semantic version; messages as upstream's library has them. */
export class SemverProblem extends Error {}

/** A semantic version 2.0.0. Build metadata is kept out of comparisons. */
export class Semver {
  readonly numbers: readonly [bigint, bigint, bigint];
  readonly prerelease: readonly string[];

  constructor(numbers: readonly [bigint, bigint, bigint], prerelease: readonly string[]) {
    this.numbers = numbers;
    this.prerelease = prerelease;
  }

  /** -1, 0 or 1. */
  compare(other: Semver): number {
    for (const index of [0, 1, 2] as const) {
      if (this.numbers[index] !== other.numbers[index]) return this.numbers[index] < other.numbers[index] ? -1 : 1;
    }
    return comparePrereleases(this.prerelease, other.prerelease);
  }

  equals(other: unknown): boolean {
    return other instanceof Semver && this.compare(other) === 0;
  }
}

function comparePrereleases(left: readonly string[], right: readonly string[]): number {
  if (left.length === 0 || right.length === 0) return Math.sign(right.length - left.length);
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const order = compareParts(left[index]!, right[index]!);
    if (order !== 0) return order;
  }
  return Math.sign(left.length - right.length);
}

function compareParts(left: string, right: string): number {
  const numeric = [left, right].map(part => /^\d+$/.test(part));
  if (numeric[0] !== numeric[1]) return numeric[0] ? -1 : 1;
  if (!numeric[0]) return left < right ? -1 : left > right ? 1 : 0;
  const [a, b] = [BigInt(left), BigInt(right)];
  return a < b ? -1 : a > b ? 1 : 0;
}

const problem = (message: string): never => {
  throw new SemverProblem(message);
};

const maxLength = 1000;

/** Reads `1.2.3-rc.1+build`; with `normalize` also `v1`, `1.2`, `01.2.3`. Throws `SemverProblem`. */
export function parseSemver(text: string, normalize: boolean): Semver {
  if (text.length > maxLength) problem('version string is too long');
  return parseStrict(normalize ? normalized(text) : text);
}

/** Whether it parses. */
export function isSemver(text: string, normalize?: boolean): boolean {
  try {
    parseSemver(text, normalize === true);
    return true;
  } catch (error) {
    if (error instanceof SemverProblem) return false;
    throw error;
  }
}

function normalized(text: string): string {
  const plain = text.replace(/^v/, '');
  const [first = '', second, ...rest] = plain.split('.');
  const parts = [first, second, rest.length > 0 ? rest.join('.') : undefined].filter(part => part !== undefined);
  const trimmed = parts.map(part => (part.length > 1 ? part.replace(/^0+/, '').replace(/^(?!\d)/, '0') : part));
  if (trimmed.length < 3 && /[+-]/.test(trimmed.at(-1)!)) {
    problem('short version cannot contain PreRelease/Build meta data');
  }
  while (trimmed.length < 3) trimmed.push('0');
  return trimmed.join('.');
}

function parseStrict(text: string): Semver {
  if (text === '') problem('Version string empty');
  const match = /^([^.]*)\.([^.]*)\.([^+-]*)(?:-([^+]*))?(?:\+([\s\S]*))?$/.exec(text);
  if (match === null) return problem('No Major.Minor.Patch elements found');
  const [, major = '', minor = '', patch = '', prerelease, build] = match;
  const numbers = [numberOf('Major', major), numberOf('Minor', minor), numberOf('Patch', patch)] as const;
  const parts = prerelease === undefined ? [] : prerelease.split('.');
  for (const part of parts) checkPrerelease(part);
  for (const part of build?.split('.') ?? []) {
    if (part === '') problem('Build meta data is empty');
    if (!/^[0-9A-Za-z-]+$/.test(part)) problem(`Invalid character(s) found in build meta data "${part}"`);
  }
  return new Semver(numbers, parts);
}

function numberOf(name: string, text: string): bigint {
  if (!/^\d+$/.test(text)) problem(`Invalid character(s) found in ${name.toLowerCase()} number "${text}"`);
  if (text.length > 1 && text.startsWith('0')) problem(`${name} number must not contain leading zeroes "${text}"`);
  const value = BigInt(text);
  return value < 2n ** 63n ? value : problem(`strconv.ParseUint: parsing "${text}": value out of range`);
}

function checkPrerelease(part: string): void {
  if (part === '') problem('Prerelease is empty');
  if (/^0\d+$/.test(part)) problem(`Numeric PreRelease version must not contain leading zeroes "${part}"`);
  if (!/^[0-9A-Za-z-]+$/.test(part)) problem(`Invalid character(s) found in prerelease "${part}"`);
}
