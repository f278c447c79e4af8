import type { Binding, Pod, UnknownObject } from '#api';
import { formatTime } from '#base';
import type { Response } from '#wire';
import { negotiate, objectOffer } from '../content/negotiate.ts';
import { renderObject } from '../content/render.ts';
import { conflict, invalidFields } from '../errors.ts';
import { admission } from './admit.ts';
import { modify } from './modify.ts';
import { readSubresourceBody } from './read-object.ts';
import { alignName } from './system-fields.ts';
import type { Target } from './target.ts';
import { managerOf, parseWriteOptions } from './write-options.ts';

/** POST of a Binding to pods/<name>/binding: the scheduler gives the pod its node. */
export async function bind(target: Target): Promise<Response> {
  const { core, exchange, kind, name } = target;
  const { headers } = exchange.request;
  const form = negotiate(headers['accept'], objectOffer);
  const options = parseWriteOptions(exchange.info.query, 'CreateOptions');
  const binding = (await readSubresourceBody(target, options.fieldValidation)) as unknown as Binding & UnknownObject;
  alignName(binding, name);
  const { dryRun } = options;
  const admitted = admission(target, { operation: 'CREATE', name, dryRun, object: binding, old: undefined });
  await admitted.mutate();
  check(binding);
  await admitted.validate();
  await modify(
    { ...target, core: { ...core, admission: [] } },
    {
      dryRun,
      manager: managerOf(options, headers['user-agent']),
      produce: (_old, item) => assign(target, item.copy() as unknown as Pod & UnknownObject, binding),
      prepare: () => undefined,
      isUnchecked: true,
    },
  );
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
  return renderObject({ core, kind, form, exchange }, status as unknown as UnknownObject, 201);
}

function check(binding: Binding): void {
  const { target, metadata } = binding;
  const about = { group: '', kind: 'Binding' };
  if (target?.kind && target.kind !== 'Node') {
    const message = `Unsupported value: "${target.kind}": supported values: "Node", "<empty>"`;
    throw invalidFields(about, metadata.name, [{ reason: 'FieldValueNotSupported', field: 'target.kind', message }]);
  }
  if (!target?.name) {
    const message = 'Required value';
    throw invalidFields(about, metadata.name, [{ reason: 'FieldValueRequired', field: 'target.name', message }]);
  }
}

/** Throws 409 for pods that are going, gated, or on a node already. */
function assign({ kind, name, core }: Target, pod: Pod & UnknownObject, binding: Binding): Pod & UnknownObject {
  const refuse = (why: string) => conflict(kind, name, why);
  const { uid, resourceVersion } = binding.metadata;
  if (uid && uid !== pod.metadata.uid) {
    throw refuse(`Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid}`);
  }
  if (resourceVersion && resourceVersion !== pod.metadata.resourceVersion) {
    throw refuse(
      `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${pod.metadata.resourceVersion}`,
    );
  }
  if (pod.metadata.deletionTimestamp) throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
  if (pod.spec.nodeName) throw refuse(`pod ${name} is already assigned to node "${pod.spec.nodeName}"`);
  if (pod.spec.schedulingGates?.length) throw refuse(`pod ${name} has non-empty .spec.schedulingGates`);
  pod.spec.nodeName = binding.target.name;
  const { annotations, labels } = binding.metadata;
  if (annotations) pod.metadata.annotations = { ...pod.metadata.annotations, ...annotations };
  if (labels) pod.metadata.labels = { ...pod.metadata.labels, ...labels };
  markScheduled(pod, formatTime(core.clock.now()));
  return pod;
}

function markScheduled(pod: Pod, now: string): void {
  const scheduled = { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: now };
  const others = (pod.status?.conditions ?? []).filter(condition => condition.type !== 'PodScheduled');
  pod.status = { ...pod.status, conditions: [...others, scheduled as never] };
}
