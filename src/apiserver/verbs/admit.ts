import type { UnknownObject } from '#api';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { Target } from './target.ts';

export interface AdmitOptions {
  readonly operation: AdmissionRequest['operation'];
  readonly name: string;
  readonly dryRun: boolean;
  readonly object: UnknownObject | undefined;
  readonly old: UnknownObject | undefined;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** One write on its way past the plugins. After `mutate` or `validate` began, exactly one of `settle` and `release` must be called. */
export interface Admission {
  readonly request: AdmissionRequest;
  mutate(): Promise<void>;
  validate(): Promise<void>;
  /** The write happened. */
  settle(): void;
  /** It did not: what was reserved is given back. */
  release(): void;
}

export function admission(target: Target, options: AdmitOptions): Admission {
  const { core, exchange, kind, namespace, subresource } = target;
  const request: AdmissionRequest = {
    operation: options.operation,
    kind,
    subresource,
    namespace,
    name: options.name,
    user: exchange.user,
    dryRun: options.dryRun,
    object: options.object,
    old: options.old,
    options: options.options ?? {},
    warn: text => void exchange.warnings.push(text),
  };
  const { admission: plugins } = core;
  const end = (how: 'settle' | 'release') => () => {
    if (!options.dryRun) for (const plugin of plugins) plugin[how]?.(request);
  };
  return {
    request,
    mutate: () => each(plugins, plugin => plugin.mutate?.(request)),
    validate: () => each(plugins, plugin => plugin.validate?.(request)),
    settle: end('settle'),
    release: end('release'),
  };
}

/** One after the other; waits only for those that have to wait. */
async function each(
  plugins: readonly AdmissionPlugin[],
  run: (plugin: AdmissionPlugin) => void | Promise<void>,
): Promise<void> {
  for (const plugin of plugins) {
    const asked = run(plugin);
    if (asked) await asked;
  }
}
