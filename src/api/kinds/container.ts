import type { FieldError } from '../kind.ts';
import type { Container, EphemeralContainer, PodSpec, Volume } from '../types.ts';
import { checkEnv, checkEnvFrom } from './env.ts';
import {
  duplicate,
  forbidden,
  invalid,
  notFound,
  notSupported,
  pushInvalid,
  required,
  tooLong,
} from './field-error.ts';
import { checkLifecycle, checkProbe, type HandlerScope } from './handlers.ts';
import { checkLabel } from './name-rules.ts';
import { eachAt } from './paths.ts';
import { checkContainerPorts, checkHostPorts } from './ports.ts';
import { checkResources } from './resources.ts';
import { checkSecurityContext } from './security-context.ts';
import { checkVolumeDevices, checkVolumeMounts } from './volume-mounts.ts';
import { checkPullPolicy } from './volumes.ts';

/** What a container's rules need to know of its pod. */
export interface ContainerScope extends HandlerScope {
  volumes: ReadonlyMap<string, Volume>;
  claims: ReadonlySet<string>;
  restartPolicy: string;
  hostUsers: boolean;
}

const messagePolicies: readonly string[] = ['File', 'FallbackToLogsOnError'];
const restartPolicies: readonly string[] = ['Always', 'Never', 'OnFailure'];
const resizable: readonly string[] = ['cpu', 'memory'];
const resizePolicies: readonly string[] = ['NotRequired', 'RestartContainer'];
const exitOperators: readonly string[] = ['In', 'NotIn'];
const probes = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const;
const onlySidecars = 'may not be set for init containers without restartPolicy=Always';
const notEphemeral = 'cannot be set for an Ephemeral Container';

/** `spec.containers`. */
export function checkContainers(
  errors: FieldError[],
  path: string,
  { spec, scope }: { spec: PodSpec; scope: ContainerScope },
): void {
  if (!spec.containers?.length) {
    errors.push(required(path));
    return;
  }
  const names = new Set<string>();
  eachAt(path, spec.containers, (at, container) => {
    checkContainer(errors, at, { container, scope });
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    names.add(container.name);
    checkHandlers(errors, at, { container, scope });
    checkRestartPolicy(errors, at, container);
  });
  checkHostPorts(errors, path, spec.containers);
}

/** `spec.initContainers`: those that restart always are sidecars and may have probes. */
export function checkInitContainers(
  errors: FieldError[],
  path: string,
  { spec, scope }: { spec: PodSpec; scope: ContainerScope },
): void {
  if (!spec.initContainers) return;
  const names = new Set((spec.containers ?? []).map(container => container.name));
  eachAt(path, spec.initContainers, (at, container) => {
    checkContainer(errors, at, { container, scope });
    const sidecar = container.restartPolicy === 'Always';
    if (sidecar) {
      if (container.restartPolicyRules?.length) {
        const detail = 'restartPolicyRules are not allowed for init containers with restart policy Always';
        errors.push(forbidden(`${at}.restartPolicyRules`, detail));
      }
    } else if (container.restartPolicy !== undefined) checkRestartPolicy(errors, at, container);
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    else if (container.name) names.add(container.name);
    checkHostPorts(errors, path, [container]);
    if (sidecar) return checkHandlers(errors, at, { container, scope });
    for (const field of ['lifecycle', ...probes] as const) {
      if (container[field]) errors.push(forbidden(`${at}.${field}`, onlySidecars));
    }
  });
}

/** `spec.ephemeralContainers`: for debugging, with less rights than others. */
export function checkEphemeralContainers(
  errors: FieldError[],
  path: string,
  { spec, scope }: { spec: PodSpec; scope: ContainerScope },
): void {
  if (!spec.ephemeralContainers?.length) return;
  const others = new Set([...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ name }) => name));
  const names = new Set(others);
  eachAt(path, spec.ephemeralContainers, (at, container) => {
    checkContainer(errors, at, { container, scope });
    checkImagePadding(errors, at, container);
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    names.add(container.name);
    const target = container.targetContainerName;
    if (target && !others.has(target)) errors.push(notFound(`${at}.targetContainerName`, target));
    checkEphemeralFields(errors, at, container);
  });
}

function checkEphemeralFields(errors: FieldError[], path: string, container: EphemeralContainer): void {
  const { limits, requests } = container.resources ?? {};
  const set: [string, unknown][] = [
    ['ports', container.ports?.length],
    ['resources', Object.keys({ ...limits, ...requests }).length],
    ['livenessProbe', container.livenessProbe],
    ['readinessProbe', container.readinessProbe],
    ['startupProbe', container.startupProbe],
    ['lifecycle', container.lifecycle],
    ['resizePolicy', container.resizePolicy?.length],
    ['restartPolicy', container.restartPolicy],
    ['restartPolicyRules', container.restartPolicyRules?.length],
  ];
  for (const [field, value] of set) if (value) errors.push(forbidden(`${path}.${field}`, notEphemeral));
  eachAt(`${path}.volumeMounts`, container.volumeMounts, (at, mount) => {
    if (mount.subPath) errors.push(forbidden(`${at}.subPath`, notEphemeral));
    if (mount.subPathExpr) errors.push(forbidden(`${at}.subPathExpr`, notEphemeral));
  });
}

/** Pods, unlike templates, may not have blanks around image names. */
export function checkImagePadding(errors: FieldError[], path: string, container: Pick<Container, 'image'>): void {
  const image = container.image ?? '';
  if (image.trim() !== image) {
    errors.push(invalid(`${path}.image`, image, 'must not have leading or trailing whitespace'));
  }
}

type Given = { container: Container; scope: ContainerScope };

/** What holds for containers of every sort. */
function checkContainer(errors: FieldError[], path: string, { container, scope }: Given): void {
  if (!container.name) errors.push(required(`${path}.name`));
  else {
    const messages = checkLabel(container.name);
    if (messages.length > 0) pushInvalid(errors, `${path}.name`, container.name, messages);
  }
  if (!container.image) errors.push(required(`${path}.image`));
  const policy = container.terminationMessagePolicy;
  if (!policy) errors.push(required(`${path}.terminationMessagePolicy`));
  else if (!messagePolicies.includes(policy)) {
    errors.push(notSupported(`${path}.terminationMessagePolicy`, policy, messagePolicies));
  }
  checkContainerPorts(errors, `${path}.ports`, container.ports);
  checkEnv(errors, `${path}.env`, container.env);
  checkEnvFrom(errors, `${path}.envFrom`, container.envFrom);
  checkVolumeMounts(errors, `${path}.volumeMounts`, { container, volumes: scope.volumes });
  checkVolumeDevices(errors, `${path}.volumeDevices`, { container, volumes: scope.volumes });
  checkPullPolicy(errors, `${path}.imagePullPolicy`, container.imagePullPolicy);
  checkResources(errors, `${path}.resources`, { resources: container.resources, options: { claims: scope.claims } });
  checkResizePolicy(errors, `${path}.resizePolicy`, { container, scope });
  const { securityContext: context } = container;
  checkSecurityContext(errors, `${path}.securityContext`, { context, hostUsers: scope.hostUsers });
}

function checkHandlers(errors: FieldError[], path: string, { container, scope }: Given): void {
  const { lifecycle } = container;
  if (lifecycle) checkLifecycle(errors, `${path}.lifecycle`, { lifecycle, scope });
  for (const kind of probes) {
    const probe = container[kind];
    if (probe) checkProbe(errors, `${path}.${kind}`, { probe, kind, scope });
  }
}

function checkResizePolicy(errors: FieldError[], path: string, { container, scope }: Given): void {
  const seen = new Set<string>();
  eachAt(path, container.resizePolicy, (at, { resourceName, restartPolicy }) => {
    if (seen.has(resourceName)) errors.push(duplicate(at, resourceName));
    seen.add(resourceName);
    if (!resourceName) errors.push(required(path));
    else if (!resizable.includes(resourceName)) errors.push(notSupported(path, resourceName, resizable));
    if (!restartPolicy) errors.push(required(path));
    else if (!resizePolicies.includes(restartPolicy)) errors.push(notSupported(path, restartPolicy, resizePolicies));
    if (scope.restartPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      errors.push(invalid(path, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'"));
    }
  });
}

function checkRestartPolicy(errors: FieldError[], path: string, container: Container): void {
  const policy = container.restartPolicy;
  const rules = container.restartPolicyRules ?? [];
  if (policy === undefined) {
    if (rules.length > 0) {
      const detail = 'must specify restartPolicy when restart rules are used';
      errors.push(required(`${path}.restartPolicy`, detail));
    }
  } else if (!restartPolicies.includes(policy)) {
    errors.push(notSupported(`${path}.restartPolicy`, policy, restartPolicies));
  }
  if (rules.length > 20) errors.push(tooLong(`${path}.restartPolicyRules`, 20));
  eachAt(`${path}.restartPolicyRules`, rules, (at, rule) => {
    if (rule.action !== 'Restart') errors.push(notSupported(`${at}.action`, rule.action, ['Restart']));
    if (!rule.exitCodes) return void errors.push(required(`${at}.exitCodes`, 'must be specified'));
    if (!exitOperators.includes(rule.exitCodes.operator)) {
      errors.push(notSupported(`${at}.exitCodes.operator`, rule.exitCodes.operator, exitOperators));
    }
    if ((rule.exitCodes.values?.length ?? 0) > 255) errors.push(tooLong(`${at}.exitCodes.values`, 255));
  });
}
