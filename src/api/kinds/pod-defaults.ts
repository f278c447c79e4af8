import type {
  Container,
  Lifecycle,
  LifecycleHandler,
  PodSpec,
  PodTemplateSpec,
  Probe,
  Quantity,
  ResourceRequirements,
} from '../types.ts';
import { isLatestImage } from './image-name.ts';
import { formatNano, requestedBy } from './pod-resources.ts';
import { defaultVolume } from './volume-defaults.ts';

/** Fills in a pod spec: of a pod or of a template. Source: upstream's core/v1/defaults.go. */
export function defaultPodSpec(spec: PodSpec): void {
  spec.dnsPolicy ||= 'ClusterFirst';
  spec.restartPolicy ||= 'Always';
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= 'default-scheduler';
  syncServiceAccount(spec);
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
  for (const container of spec.initContainers ?? []) defaultContainer(container);
  for (const container of spec.containers ?? []) defaultContainer(container);
  for (const container of spec.ephemeralContainers ?? []) defaultContainer(container);
  if (spec.hostNetwork) defaultHostPorts(spec);
}

/** Fills in a template of any workload kind. */
export function defaultPodTemplate(template: PodTemplateSpec | undefined): void {
  if (template?.spec) defaultPodSpec(template.spec);
}

/** What only real pods get, not templates: requests from limits, service links. */
export function defaultPodOnly(spec: PodSpec): void {
  for (const container of spec.containers ?? []) requestsFromLimits(container);
  for (const container of spec.initContainers ?? []) requestsFromLimits(container);
  if (spec.resources?.limits) defaultPodRequests(spec, spec.resources);
  spec.enableServiceLinks ??= true;
}

/** What the pod as a whole requests: what its containers request together, else its limit. */
function defaultPodRequests(spec: PodSpec, resources: ResourceRequirements): void {
  const requests: Record<string, Quantity> = resources.requests ?? {};
  const names = new Set(
    [...(spec.containers ?? []), ...(spec.initContainers ?? [])].flatMap(c => Object.keys(c.resources?.requests ?? {})),
  );
  for (const name of ['cpu', 'memory']) if (names.has(name)) requests[name] ??= formatNano(requestedBy(spec, name));
  for (const name in resources.limits) requests[name] ??= resources.limits[name]!;
  if (Object.keys(requests).length > 0) resources.requests = requests;
}

/** `serviceAccount` is the old name of `serviceAccountName`; both are shown, the new one wins. */
function syncServiceAccount(spec: PodSpec): void {
  const name = spec.serviceAccountName || spec.serviceAccount;
  if (!name) return;
  spec.serviceAccountName = name;
  spec.serviceAccount = name;
}

function requestsFromLimits(owner: { resources?: Container['resources'] }): void {
  const limits = owner.resources?.limits;
  if (!owner.resources || !limits) return;
  const requests: Record<string, Quantity> = owner.resources.requests ?? {};
  for (const name in limits) requests[name] ??= limits[name]!;
  owner.resources.requests = requests;
}

function defaultContainer(container: Container): void {
  container.imagePullPolicy ||= isLatestImage(container.image ?? '') ? 'Always' : 'IfNotPresent';
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
  container.resources ??= {};
  for (const port of container.ports ?? []) port.protocol ||= 'TCP';
  for (const variable of container.env ?? []) {
    if (variable.valueFrom?.fieldRef) variable.valueFrom.fieldRef.apiVersion ||= 'v1';
    if (variable.valueFrom?.fileKeyRef) variable.valueFrom.fileKeyRef.optional ??= false;
  }
  if (container.livenessProbe) defaultProbe(container.livenessProbe);
  if (container.readinessProbe) defaultProbe(container.readinessProbe);
  if (container.startupProbe) defaultProbe(container.startupProbe);
  if (container.lifecycle) defaultLifecycle(container.lifecycle);
}

function defaultProbe(probe: Probe): void {
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  if (probe.grpc) probe.grpc.service ??= '';
  defaultHttpGet(probe);
}

function defaultLifecycle(lifecycle: Lifecycle): void {
  if (lifecycle.postStart) defaultHttpGet(lifecycle.postStart);
  if (lifecycle.preStop) defaultHttpGet(lifecycle.preStop);
}

function defaultHttpGet(handler: Pick<LifecycleHandler, 'httpGet'>): void {
  if (!handler.httpGet) return;
  handler.httpGet.path ||= '/';
  handler.httpGet.scheme ||= 'HTTP';
}

function defaultHostPorts(spec: PodSpec): void {
  for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
    for (const port of container.ports ?? []) port.hostPort ||= port.containerPort;
  }
}
