import { isDeepStrictEqual } from 'node:util';
import type { FlowSchema, FlowSchemaCondition, KubeObject, PriorityLevelConfiguration, Resource } from '#api';
import { resources } from '#api';
import type { Clock, Log } from '#base';
import { formatTime, isAbort } from '#base';
import { type BootstrapWriter, ensureObject } from '../access/bootstrap-writer.ts';
import type { ObjectReader } from '../reader.ts';
import { autoUpdateAnnotation, bootstrapLevels, bootstrapSchemas, mandatoryNames } from './bootstrap-objects.ts';

/** Upstream's period of looking after the objects. */
const keepMs = 60_000;
/** Changes that come close together are looked at once. */
const settleMs = 200;

/** How objects are written; a Client fits. */
export interface FairnessWriter extends BootstrapWriter {
  update<T extends KubeObject>(resource: Resource<T>, object: T, options?: { subresource?: string }): Promise<T>;
  delete<T extends KubeObject>(resource: Resource<T>, ref: { name: string }): Promise<unknown>;
}

export interface FairnessObjectsOptions {
  readonly reader: ObjectReader;
  readonly writer: FairnessWriter;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Makes upstream's flow schemas and priority levels and keeps them: the mandatory ones always, the suggested ones as long as their annotation says so. Says in each
 * schema's status whether its level exists. Resolves when all are there.
 */
export async function startFairnessObjects(options: FairnessObjectsOptions): Promise<AsyncDisposable> {
  const { reader, clock, log } = options;
  const stop = new AbortController();
  let work = Promise.resolve();
  let soon: Disposable | undefined;
  const run = (name: string, step: () => Promise<void>) => {
    work = work.then(step).catch((error: unknown) => {
      if (!isAbort(error) && !stop.signal.aborted) log.warn('flow schemas could not be kept', { step: name, error });
    });
    return work;
  };
  const keep = () => run('objects', () => ensureAll(options)).then(() => run('status', () => writeStatus(options)));
  await ensureAll(options);
  await run('status', () => writeStatus(options));
  const onChange = () => {
    if (stop.signal.aborted) return;
    soon ??= clock.timer(
      settleMs,
      () => {
        soon = undefined;
        void keep();
      },
      { unref: true },
    );
  };
  const watched = [resources.flowschemas, resources.prioritylevelconfigurations].map(resource =>
    reader.onChange(resource as Resource<KubeObject>, onChange),
  );
  let timer: Disposable;
  const arm = () => {
    timer = clock.timer(keepMs, tick, { unref: true });
  };
  const tick = () => {
    void keep();
    arm();
  };
  arm();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the server stops'));
      timer[Symbol.dispose]();
      soon?.[Symbol.dispose]();
      for (const one of watched) one[Symbol.dispose]();
      await work;
    },
  };
}

async function ensureAll(options: FairnessObjectsOptions): Promise<void> {
  await Promise.all([
    ...bootstrapLevels.map(level => ensureOne(options, resources.prioritylevelconfigurations, level)),
    ...bootstrapSchemas.map(schema => ensureOne(options, resources.flowschemas, schema)),
  ]);
  await dropForsaken(options, resources.flowschemas, bootstrapSchemas);
  await dropForsaken(options, resources.prioritylevelconfigurations, bootstrapLevels);
}

type Kept = FlowSchema | PriorityLevelConfiguration;

async function ensureOne<T extends Kept>(
  { reader, writer }: FairnessObjectsOptions,
  resource: Resource<T>,
  object: T,
): Promise<void> {
  // Mostly all is well, which the reader knows without a request.
  const known = reader.get(resource, undefined, object.metadata.name);
  if (known && !updated(known, object)) return;
  await ensureObject(writer, { resource, object, merge: updated });
}

/** The object with the spec that it should have; undefined when it has it, or belongs to a user. */
function updated<T extends Kept>(present: T, wanted: T): T | undefined {
  const { name, annotations, generation } = present.metadata;
  const isMandatory = mandatoryNames.includes(name);
  const said = annotations?.[autoUpdateAnnotation];
  // As upstream: without the annotation it is taken for the user's as soon as its spec has been changed.
  const isOurs = isMandatory || (said === undefined ? generation === 1 : said === 'true');
  const annotation = isOurs ? 'true' : 'false';
  const spec = isOurs ? withOwnShares(present, wanted) : present.spec;
  if (said === annotation && isDeepStrictEqual(plain(present.spec), plain(spec))) return undefined;
  const metadata = { ...present.metadata, annotations: { ...annotations, [autoUpdateAnnotation]: annotation } };
  return { ...present, metadata, spec };
}

/** The wanted spec; the shares of the exempt level are the administrator's. */
function withOwnShares<T extends Kept>(present: T, wanted: T): Kept['spec'] {
  const exempt = 'exempt' in present.spec && 'exempt' in wanted.spec ? present.spec.exempt : undefined;
  return exempt ? { ...wanted.spec, exempt } : wanted.spec;
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** What an older version made and this one does not. */
async function dropForsaken<T extends Kept>(
  { reader, writer }: FairnessObjectsOptions,
  resource: Resource<T>,
  wanted: readonly T[],
): Promise<void> {
  for (const { metadata } of reader.list(resource)) {
    if (metadata.annotations?.[autoUpdateAnnotation] !== 'true') continue;
    if (!wanted.some(one => one.metadata.name === metadata.name)) await writer.delete(resource, metadata);
  }
}

async function writeStatus({ reader, writer, clock }: FairnessObjectsOptions): Promise<void> {
  for (const schema of reader.list(resources.flowschemas)) {
    const level = schema.spec.priorityLevelConfiguration.name;
    const isDangling = !reader.get(resources.prioritylevelconfigurations, undefined, level);
    const condition = danglingCondition(level, isDangling);
    const conditions = schema.status?.conditions ?? [];
    const present = conditions.find(({ type }) => type === condition.type);
    if (present?.status === condition.status && present?.message === condition.message) continue;
    const others = conditions.filter(({ type }) => type !== condition.type);
    const changed = { ...condition, lastTransitionTime: formatTime(clock.now()) };
    await writer
      .update(
        resources.flowschemas,
        { ...schema, status: { conditions: [...others, changed] } },
        { subresource: 'status' },
      )
      .catch(ignoreRaces);
  }
}

/** Somebody else was faster: the change that they made brings us here again. */
function ignoreRaces(error: unknown): void {
  const { status, code } = error as { status?: { code?: number }; code?: unknown };
  const answer = status?.code ?? code;
  if (answer !== 409 && answer !== 404) throw error;
}

function danglingCondition(level: string, isDangling: boolean): FlowSchemaCondition {
  const about = `This FlowSchema references the PriorityLevelConfiguration object named "${level}"`;
  return {
    type: 'Dangling',
    status: isDangling ? 'True' : 'False',
    reason: isDangling ? 'NotFound' : 'Found',
    message: isDangling ? `${about} but there is no such object` : `${about} and it exists`,
  };
}
