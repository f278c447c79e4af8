import type { Column, Kind, RawText, UnknownObject } from '#api';
import { isCustomKind, scaleColumns } from '#api';
import { createTurn } from '#base';
import type { Response } from '#wire';
import { negotiate, objectOffer } from '../content/negotiate.ts';
import type { View } from '../content/render.ts';
import { renderObject, servedObject } from '../content/render.ts';
import { invalidFields, notFound } from '../errors.ts';
import { checkApplyOptions, readConfiguration } from './apply.ts';
import { readScale, requireReplicas, scalePathsOf, writeReplicas } from './custom-scale.ts';
import { freshEnough } from './freshness.ts';
import type { Outcome } from './modify.ts';
import { modify } from './modify.ts';
import { applyPatchBody, readPatch } from './patch-body.ts';
import { checkPatched, readSubresourceBody } from './read-object.ts';
import { appliedScale, scaleOwnersOf, setOwners } from './scale-apply.ts';
import { alignName } from './system-fields.ts';
import type { Target } from './target.ts';
import { keyOf, servedItem } from './target.ts';
import { managerOf, parseWriteOptions } from './write-options.ts';

const scaleKind = { group: 'autoscaling', version: 'v1', kind: 'Scale' };

interface Scalable {
  spec?: { replicas?: number; selector?: { matchLabels?: Record<string, string>; matchExpressions?: Expression[] } };
  status?: { replicas?: number };
}

interface Expression {
  key: string;
  operator: string;
  values?: string[];
}

export async function getScale(target: Target): Promise<Response> {
  const { core, kind, name } = target;
  const waiting = freshEnough(core, undefined);
  if (waiting) await waiting;
  const item = core.cache.of(kind.storagePrefix).get(keyOf(target));
  if (!item) throw notFound(kind, name);
  const object = servedObject(kind, await servedItem(target, item));
  const paths = scalePathsOf(kind);
  if (paths) requireReplicas(object, paths);
  return renderObject(viewOf(target), toScale(kind, object));
}

/** PUT of a Scale: changes spec.replicas. */
export async function updateScale(target: Target): Promise<Response> {
  const options = parseWriteOptions(target.exchange.info.query, 'UpdateOptions');
  const scale = await readSubresourceBody(target, options.fieldValidation);
  alignName(scale, target.name);
  return change(target, options, () => scale);
}

/** PATCH of a Scale, in any patch language. */
export async function patchScale(target: Target): Promise<Response> {
  const options = parseWriteOptions(target.exchange.info.query, 'PatchOptions');
  const patch = await readPatch(target, options.fieldValidation);
  const type = target.core.scheme().typeOf(scaleKind.group, scaleKind.version, scaleKind.kind)!;
  const wanted = { validation: options.fieldValidation, type, wanted: scaleKind };
  const check = (document: RawText) => checkPatched(target, document, wanted);
  if (patch.type === 'apply') {
    checkApplyOptions(options);
    const config = readConfiguration(patch, scaleKind);
    const scaleOf = (scale: UnknownObject, old: UnknownObject) =>
      appliedScale(target, { scale, old, config: structuredClone(config), options });
    return change(target, options, scaleOf, true);
  }
  const turn = createTurn(target.core.clock);
  return change(target, options, scale => applyPatchBody(patch, scale, { type, turn, check }));
}

async function change(
  target: Target,
  options: ReturnType<typeof parseWriteOptions>,
  scaleOf: (current: UnknownObject, old: UnknownObject) => UnknownObject | Promise<UnknownObject>,
  isTracked = false,
): Promise<Response> {
  const { kind, exchange } = target;
  const outcome = await modify(target, {
    dryRun: options.dryRun,
    manager: managerOf(options, exchange.request.headers['user-agent']),
    isTracked,
    produce: async old => {
      const scale = await scaleOf(toScale(kind, old), old);
      const draft = structuredClone(old);
      const { uid, resourceVersion } = scale.metadata;
      // Custom resources take no update that names no version: without one it is the one that was read.
      const version = resourceVersion || (isCustomKind(kind) ? old.metadata.resourceVersion : '');
      Object.assign(draft.metadata, { uid: uid || draft.metadata.uid, resourceVersion: version });
      setReplicas(target, draft, scale);
      if (isTracked) setOwners(draft, scaleOwnersOf(target, old, scale));
      return draft;
    },
    admitted: object => toScale(kind, object),
    takeBack: (draft, scale) => setReplicas(target, draft, scale),
    // The whole object is written, by the rules of its main resource.
    prepare: (draft, old) => kind.behaviour.prepareUpdate?.(draft, old, { nowMs: target.core.clock.now() }),
  });
  return renderObject(viewOf(target), toScale(kind, await objectOf(target, outcome)));
}

async function objectOf(target: Target, outcome: Outcome): Promise<UnknownObject> {
  return outcome.item ? servedObject(target.kind, await servedItem(target, outcome.item)) : outcome.object;
}

/** The number of a Scale, where the object has it; in place. Throws 400 and 422. */
function setReplicas(target: Target, draft: UnknownObject, scale: UnknownObject): void {
  const paths = scalePathsOf(target.kind);
  if (paths) writeReplicas(draft, paths, (scale as Scalable).spec?.replicas);
  else draft['spec'] = { ...(draft['spec'] as object), replicas: replicasOf(target, scale) };
}

function replicasOf({ name }: Target, scale: UnknownObject): number {
  const replicas = (scale as Scalable).spec?.replicas ?? 0;
  if (replicas >= 0) return replicas;
  const message = `Invalid value: ${replicas}: must be greater than or equal to 0`;
  throw invalidFields(scaleKind, name, [{ reason: 'FieldValueInvalid', field: 'spec.replicas', message }]);
}

/** The object as autoscaling/v1 Scale. */
function toScale(kind: Kind, object: UnknownObject): UnknownObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const { replicas, status, selector } = partsOf(kind, object);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicas === undefined ? {} : { replicas },
    status: { replicas: status, ...(selector ? { selector } : {}) },
  };
}

function partsOf(kind: Kind, object: UnknownObject): ReturnType<typeof readScale> {
  const paths = scalePathsOf(kind);
  if (paths) return readScale(object, paths);
  const { spec, status } = object as Scalable;
  return { replicas: spec?.replicas, status: status?.replicas ?? 0, selector: formatSelector(object) };
}

/** `app=web,tier in (a,b)`, keys in order as upstream prints selectors. */
function formatSelector(object: UnknownObject): string {
  const selector = (object as Scalable).spec?.selector;
  if (!selector) return '';
  // ReplicationControllers have a bare map.
  const isBare = object.kind === 'ReplicationController';
  const labels = isBare ? (selector as Record<string, string>) : (selector.matchLabels ?? {});
  const exact = Object.entries(labels).map(([key, value]) => [key, `${key}=${value}`] as const);
  const expressions = isBare ? [] : (selector.matchExpressions ?? []);
  const others = expressions.map(expression => [expression.key, formatExpression(expression)] as const);
  const terms = [...exact, ...others].sort(([a], [b]) => (a < b ? -1 : 1));
  return terms.map(([, term]) => term).join(',');
}

function formatExpression({ key, operator, values = [] }: Expression): string {
  if (operator === 'Exists') return key;
  if (operator === 'DoesNotExist') return `!${key}`;
  return `${key} ${operator === 'In' ? 'in' : 'notin'} (${[...values].sort().join(',')})`;
}

function viewOf({ core, kind, exchange }: Target): View {
  const form = negotiate(exchange.request.headers['accept'], objectOffer);
  const columns = scaleColumns as readonly Column<never>[] as readonly Column<UnknownObject>[];
  return { core, kind: { ...kind, behaviour: { ...kind.behaviour, columns } }, form, exchange };
}
