/**
 * Counters, gauges and histograms that are counted on every request: a series is looked up once and is then two or three additions. The text format is
 * made when somebody asks for it.
 */
export class Series {
  /** Sum of what was added: the value of counters and gauges. */
  value = 0;
  /** Histograms only: how many fell into each bucket; the last is for those above all. */
  readonly counts: Float64Array | undefined;
  readonly #bounds: readonly number[] | undefined;

  constructor(bounds?: readonly number[]) {
    this.#bounds = bounds;
    this.counts = bounds && new Float64Array(bounds.length + 1);
  }

  add(by = 1): void {
    this.value += by;
  }

  observe(value: number): void {
    const bounds = this.#bounds!;
    let at = 0;
    while (at < bounds.length && value > bounds[at]!) at++;
    this.counts![at]!++;
    this.value += value;
  }
}

export interface FamilySpec {
  /** Prometheus name, unit last. */
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  /** Upper bounds of histograms, rising. */
  readonly buckets?: readonly number[];
}

/** More label values than this are not kept: the rest is counted under the last one's stead, in a series without values. */
const maxSeries = 20_000;

/** All series of one name. */
export class Family {
  readonly spec: FamilySpec;
  readonly #series = new Map<string, Series>();

  constructor(spec: FamilySpec) {
    this.spec = spec;
  }

  /** The series of these label values, in the order of the spec's labels. Callers on a hot path keep it. */
  of(...values: readonly string[]): Series {
    const key = values.length === 1 ? values[0]! : values.join('\0');
    let series = this.#series.get(key);
    if (!series) {
      if (this.#series.size >= maxSeries) return this.#overflow();
      series = new Series(this.spec.buckets);
      this.#series.set(key, series);
    }
    return series;
  }

  /** Forgets series whose first label has this value: of things that are gone. */
  forget(first: string): void {
    for (const key of this.#series.keys()) {
      if (key === first || key.startsWith(`${first}\0`)) this.#series.delete(key);
    }
  }

  text(): string {
    if (this.#series.size === 0) return '';
    const { name, help, type } = this.spec;
    const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
    for (const [key, series] of this.#series) {
      const labels = this.#labels(key.split('\0'));
      if (series.counts) this.#histogram(lines, labels, series);
      else lines.push(`${name}${braces(labels)} ${series.value}`);
    }
    return `${lines.join('\n')}\n`;
  }

  #overflow(): Series {
    const key = this.spec.labels.map(() => 'other').join('\0');
    const series = this.#series.get(key) ?? new Series(this.spec.buckets);
    this.#series.set(key, series);
    return series;
  }

  #labels(values: readonly string[]): string {
    return this.spec.labels.map((label, at) => `${label}="${escapeLabel(values[at] ?? '')}"`).join(',');
  }

  #histogram(lines: string[], labels: string, series: Series): void {
    const { name, buckets = [] } = this.spec;
    const comma = labels ? ',' : '';
    let count = 0;
    series.counts!.forEach((inBucket, at) => {
      count += inBucket;
      lines.push(`${name}_bucket{${labels}${comma}le="${buckets[at] ?? '+Inf'}"} ${count}`);
    });
    lines.push(`${name}_sum${braces(labels)} ${series.value}`, `${name}_count${braces(labels)} ${count}`);
  }
}

function braces(labels: string): string {
  return labels ? `{${labels}}` : '';
}

function escapeLabel(value: string): string {
  return value.replace(/[\\\n"]/g, found => (found === '\n' ? '\\n' : `\\${found}`));
}
