/** What is wrong with a schedule, in upstream's words; undefined when it is fine. Source: the standard parser of robfig/cron v3. */
export function describeScheduleProblem(schedule: string): string | undefined {
  const zoned = /^(?:CRON_)?TZ=(\S*)\s*/.exec(schedule);
  if (zoned && !isZone(zoned[1]!)) return `provided bad location ${zoned[1]}: unknown time zone ${zoned[1]}`;
  const spec = zoned ? schedule.slice(zoned[0].length) : schedule;
  if (spec.startsWith('@')) return describeDescriptorProblem(spec);
  const fields = spec.split(/\s+/).filter(Boolean);
  if (fields.length !== bounds.length) {
    return `expected exactly ${bounds.length} fields, found ${fields.length}: [${fields.join(' ')}]`;
  }
  for (const [index, field] of fields.entries()) {
    for (const part of field.split(',').filter(Boolean)) {
      const problem = describeRangeProblem(part, bounds[index]!);
      if (problem) return problem;
    }
  }
  return undefined;
}

/** True for a zone that the time zone database has. */
export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false; // The engine throws for zones that it does not know.
  }
}

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const bounds: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: months },
  { min: 0, max: 6, names: days },
];

const descriptors: ReadonlySet<string> = new Set([
  '@yearly',
  '@annually',
  '@monthly',
  '@weekly',
  '@daily',
  '@midnight',
  '@hourly',
]);
const every = '@every ';

function describeDescriptorProblem(text: string): string | undefined {
  if (descriptors.has(text)) return undefined;
  if (!text.startsWith(every)) return `unrecognized descriptor: ${text}`;
  const span = text.slice(every.length);
  if (/^[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(span) || /^[-+]?0$/.test(span)) return undefined;
  return `failed to parse duration ${text}: time: invalid duration ${JSON.stringify(span)}`;
}

/** `*`, `5`, `1-5`, each perhaps with `/2`; a single number with a step goes on to the end. */
function describeRangeProblem(text: string, limits: Bounds): string | undefined {
  const [range = '', ...steps] = text.split('/');
  const ends = range.split('-');
  const isAll = ends[0] === '*' || ends[0] === '?';
  const first = isAll ? limits.min : parseNumber(ends[0]!, limits);
  if (typeof first === 'string') return first;
  if (!isAll && ends.length > 2) return `too many hyphens: ${text}`;
  let last = isAll ? limits.max : ends.length === 2 ? parseNumber(ends[1]!, limits) : first;
  if (typeof last === 'string') return last;
  if (steps.length > 1) return `too many slashes: ${text}`;
  const step = steps.length === 1 ? parseInteger(steps[0]!) : 1;
  if (typeof step === 'string') return step;
  if (steps.length === 1 && ends.length === 1) last = limits.max;
  if (first < limits.min) return `beginning of range (${first}) below minimum (${limits.min}): ${text}`;
  if (last > limits.max) return `end of range (${last}) above maximum (${limits.max}): ${text}`;
  if (first > last) return `beginning of range (${first}) beyond end of range (${last}): ${text}`;
  return step === 0 ? `step of range should be a positive number: ${text}` : undefined;
}

function parseNumber(text: string, { names, min }: Bounds): number | string {
  const index = names?.indexOf(text.toLowerCase()) ?? -1;
  return index < 0 ? parseInteger(text) : index + min;
}

/** The number, or what Go says of a text that is none. */
function parseInteger(text: string): number | string {
  if (!/^[-+]?\d+$/.test(text)) {
    return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
  }
  const number = Number(text);
  return number < 0 ? `negative number (${number}) not allowed: ${text}` : number;
}
