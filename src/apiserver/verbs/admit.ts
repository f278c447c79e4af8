import type { Kind, TypeNode, UnknownObject } from '#api';
import { DecodeError } from '#api';
import type { AdmissionCodec, AdmissionPlugin, AdmissionRequest, Rounds } from '../admission.ts';
import type { Core } from '../core.ts';
import { admissionOptions } from './admission-options.ts';
import type { DeleteOptions } from './delete-options.ts';
import { requestTimeoutMs } from './request-timeout.ts';
import type { Target } from './target.ts';

export interface AdmitOptions {
  readonly operation: AdmissionRequest['operation'];
  readonly name: string;
  readonly dryRun: boolean;
  readonly object: UnknownObject | undefined;
  readonly old: UnknownObject | undefined;
  /** Only of deletions: the others' are read from the URL. */
  readonly options?: DeleteOptions;
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
  const rounds = createRounds();
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
    options: admissionOptions(options.operation, exchange.info.query, options.options),
    // Made when somebody asks: few do, and it costs as much as many a plugin.
    get signal() {
      return exchange.request.signal;
    },
    deadlineMs: core.clock.monotonicMs() + requestTimeoutMs(exchange.info.query),
    rounds,
    codec: createCodec(core),
    warn: text => void exchange.warnings.push(text),
    annotate: exchange.annotate,
    turn: exchange.turn,
  };
  const { admission: plugins } = core;
  const end = (how: 'settle' | 'release') => () => {
    if (!options.dryRun) for (const plugin of plugins) plugin[how]?.(request);
  };
  return {
    request,
    mutate: () => timed(core, { type: 'admit', request }, () => mutateAll(plugins, request, rounds)),
    validate: () =>
      timed(core, { type: 'validate', request }, () => each(plugins, request, plugin => plugin.validate?.(request))),
    settle: end('settle'),
    release: end('release'),
  };
}

/** `round` is moved on by mutateAll; `wanted` says that somebody asked for it. */
type CountedRounds = Rounds & { round: 0 | 1; wanted: boolean };

function createRounds(): CountedRounds {
  const rounds: CountedRounds = {
    round: 0,
    wanted: false,
    again: () => {
      rounds.wanted = true;
    },
    memory: new Map(),
  };
  return rounds;
}

/** All, all again when a webhook asks for it, and then those that come last. */
async function mutateAll(
  plugins: readonly AdmissionPlugin[],
  request: AdmissionRequest,
  rounds: CountedRounds,
): Promise<void> {
  const round = () => each(plugins, request, plugin => (plugin.isLast ? undefined : plugin.mutate?.(request)));
  await round();
  if (rounds.wanted) {
    rounds.round = 1;
    await round();
  }
  await each(plugins, request, plugin => (plugin.isLast ? plugin.mutate?.(request) : undefined));
}

/** One after the other; waits only for those that have to wait, and lets others go on between them if the object is large. */
async function each(
  plugins: readonly AdmissionPlugin[],
  { turn }: AdmissionRequest,
  run: (plugin: AdmissionPlugin) => void | Promise<void>,
): Promise<void> {
  for (const plugin of plugins) {
    const asked = run(plugin);
    if (asked) await asked;
    if (turn?.isOver()) await turn.next();
  }
}

/** Upstream's meter of the two steps. */
async function timed(
  { admissionSteps, clock }: Core,
  { type, request }: { type: 'admit' | 'validate'; request: AdmissionRequest },
  run: () => Promise<void>,
): Promise<void> {
  const startMs = clock.monotonicMs();
  let rejected = 'true';
  try {
    await run();
    rejected = 'false';
  } finally {
    admissionSteps.of(type, request.operation, rejected).observe((clock.monotonicMs() - startMs) / 1000);
  }
}

function createCodec({ decoder, scheme, versions }: Core): AdmissionCodec {
  return {
    convert: (object, to) => versions.convert(object, to),
    settle(value, kind, subresource) {
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw new DecodeError('json: the object must be a JSON object');
      const own = subresource ? ownType(kind, subresource, scheme) : undefined;
      const { object } = decoder.check({ value, duplicates: [] }, own ?? kind.type, {
        validation: 'Ignore',
        fill: true,
      });
      const settled = object as unknown as UnknownObject;
      settled.metadata ??= {} as UnknownObject['metadata'];
      if (!own) kind.behaviour.defaults?.(settled);
      return settled;
    },
  };
}

/** The type of a subresource that is another kind than its object. */
function ownType(kind: Kind, subresource: string, scheme: Core['scheme']): TypeNode | undefined {
  const own = kind.subresources.get(subresource)?.kind;
  if (!own || own.kind === kind.kind) return undefined;
  return scheme().typeOf(own.group, own.version, own.kind);
}
