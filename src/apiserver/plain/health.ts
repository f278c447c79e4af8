import type { Meter } from '#base';
import type { Response } from '#wire';
import { textAnswer } from '../content/answer.ts';
import type { Exchange } from '../exchange.ts';
import { Family } from '../stages/series.ts';

/** One thing that must work. `check` gives what is wrong, as text for people; undefined: all is well. */
export interface HealthCheck {
  readonly name: string;
  /** Also part of /livez: only what a restart would mend. */
  readonly isLive: boolean;
  check(): string | undefined;
}

const roots = ['/healthz', '/livez', '/readyz'];

export interface Health {
  /** Answers /healthz, /livez and /readyz in upstream's text format, with ?verbose, ?exclude=name and /readyz/<name>; undefined for other paths. */
  answer(exchange: Exchange): Response | undefined;
  /** What /metrics/slis tells: the checks as they now are, and how often they were asked for. */
  slis(): string;
}

/** Counts one asked-for check. */
type Note = (root: string, name: string, isHealthy: boolean) => void;

export function createHealth(checks: readonly HealthCheck[], meter?: Meter): Health {
  const { note, families } = createCounts();
  meter?.expose(() => families.map(family => family.text()).join(''));
  const relevantTo = (root: string) => (root === '/livez' ? checks.filter(({ isLive }) => isLive) : checks);
  return {
    answer(exchange) {
      const { path, query } = exchange.info;
      const root = roots.find(name => path === name || path.startsWith(`${name}/`));
      if (!root) return undefined;
      const relevant = relevantTo(root);
      // A trailing slash is the same, as upstream.
      const name = path.slice(root.length + 1);
      if (name !== '') {
        const one = relevant.find(check => check.name === name);
        if (!one) return undefined;
        exchange.isServed = true;
        return single(root, one, note);
      }
      exchange.isServed = true;
      const options = { excluded: query.getAll('exclude'), isVerbose: query.has('verbose') };
      return report(root, relevant, { ...options, note });
    },
    slis() {
      for (const root of roots) {
        for (const check of relevantTo(root)) note(root, check.name, check.check() === undefined);
      }
      return families.map(family => family.text()).join('');
    },
  };
}

function createCounts(): { note: Note; families: readonly Family[] } {
  const now = new Family({
    name: 'kubernetes_healthcheck',
    help: 'This metric records the result of a single healthcheck.',
    type: 'gauge',
    labels: ['name', 'type'],
  });
  const all = new Family({
    name: 'kubernetes_healthchecks_total',
    help: 'This metric records the results of all healthcheck.',
    type: 'counter',
    labels: ['name', 'status', 'type'],
  });
  return {
    families: [now, all],
    note(root, name, isHealthy) {
      const type = root.slice(1);
      now.of(name, type).value = isHealthy ? 1 : 0;
      all.of(name, isHealthy ? 'success' : 'error', type).add();
    },
  };
}

/** One check alone; the reason is for those who may read the log: health is open to everybody. */
function single(root: string, { name, check }: HealthCheck, note: Note): Response {
  const isHealthy = check() === undefined;
  note(root, name, isHealthy);
  return isHealthy ? textAnswer(200, 'ok') : textAnswer(500, 'internal server error: reason withheld\n');
}

function report(
  root: string,
  checks: readonly HealthCheck[],
  options: { excluded: readonly string[]; isVerbose: boolean; note: Note },
): Response {
  const unknown = options.excluded.filter(name => !checks.some(check => check.name === name));
  const lines: string[] = [];
  let isFailed = false;
  for (const check of checks) {
    if (options.excluded.includes(check.name)) {
      lines.push(`[+]${check.name} excluded: ok`);
      continue;
    }
    const problem = check.check();
    options.note(root, check.name, problem === undefined);
    isFailed ||= problem !== undefined;
    lines.push(problem === undefined ? `[+]${check.name} ok` : `[-]${check.name} failed: reason withheld`);
  }
  if (unknown.length > 0) {
    lines.push(
      `warn: some health checks cannot be excluded: no matches for ${unknown.map(name => `"${name}"`).join(', ')}`,
    );
  }
  const name = root.slice(1);
  if (isFailed) return textAnswer(500, `${lines.join('\n')}\n${name} check failed\n`);
  return textAnswer(200, options.isVerbose ? `${lines.join('\n')}\n${name} check passed\n` : 'ok');
}
