import type { Response } from '#wire';
import { textAnswer } from '../content/answer.ts';
import type { Exchange } from '../exchange.ts';

/** One thing that must work. `check` gives what is wrong, as text for people; undefined: all is well. */
export interface HealthCheck {
  readonly name: string;
  /** Also part of /livez: only what a restart would mend. */
  readonly isLive: boolean;
  check(): string | undefined;
}

const roots = ['/healthz', '/livez', '/readyz'];

/** Answers /healthz, /livez and /readyz in upstream's text format, with ?verbose, ?exclude=name and /readyz/<name>. */
export function createHealth(checks: readonly HealthCheck[]): (exchange: Exchange) => Response | undefined {
  return exchange => {
    const { path, query } = exchange.info;
    const root = roots.find(name => path === name || path.startsWith(`${name}/`));
    if (!root) return undefined;
    const relevant = root === '/livez' ? checks.filter(({ isLive }) => isLive) : checks;
    const name = path.slice(root.length + 1);
    if (name !== '') {
      const one = relevant.find(check => check.name === name);
      if (!one) return undefined;
      exchange.isServed = true;
      return report(root.slice(1), [one], { excluded: [], isVerbose: false });
    }
    exchange.isServed = true;
    return report(root.slice(1), relevant, { excluded: query.getAll('exclude'), isVerbose: query.has('verbose') });
  };
}

function report(
  root: string,
  checks: readonly HealthCheck[],
  options: { excluded: readonly string[]; isVerbose: boolean },
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
    isFailed ||= problem !== undefined;
    // The reason is for those who may read the log: health is open to everybody.
    lines.push(problem === undefined ? `[+]${check.name} ok` : `[-]${check.name} failed: reason withheld`);
  }
  if (unknown.length > 0) {
    lines.push(
      `warn: some health checks cannot be excluded: no matches for ${unknown.map(name => `"${name}"`).join(', ')}`,
    );
  }

  if (isFailed) return textAnswer(500, `${lines.join('\n')}\n${root} check failed\n`);
  return textAnswer(200, options.isVerbose ? `${lines.join('\n')}\n${root} check passed\n` : 'ok');
}
