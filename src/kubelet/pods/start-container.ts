import { join } from 'node:path';
import type { Pod, Secret } from '#api';
import { type CriImage, isGrpcError, type SandboxConfig } from '#wire';
import { ContainerConfigError } from '../containers/config-error.ts';
import { containerConfig, containerLogPath } from '../containers/container-config.ts';
import { containerHash } from '../containers/container-hash.ts';
import { containerEnv } from '../containers/env.ts';
import { containerResources } from '../containers/resources.ts';
import { podLogDirectory } from '../containers/sandbox-config.ts';
import { securityContext } from '../containers/security.ts';
import { linkLog } from '../logs/log-links.ts';
import { newestOf, type RuntimePod, type RuntimeSandbox } from '../runtime/runtime-pod.ts';
import { containerMounts } from '../volumes/container-mounts.ts';
import type { PodContext } from './context.ts';
import { runHook } from './hooks.ts';
import type { Action, Waiting } from './plan.ts';
import { fieldPathOf, type PodContainer } from './pod-spec.ts';
import { downwardFacts, sandboxConfigOf, seccompRootOf } from './start-sandbox.ts';

type Start = Extract<Action, { do: 'start' }>;

/** Upstream's: a container that could not be made is tried again after this long. */
const retryMs = 10_000;
/** Hooks have no deadline of their own. */
const hookTimeoutMs = 30 * 60 * 1000;

export type StartOutcome =
  | { started: true }
  /** Under way or failed; look again then. */
  | { started: false; againMs?: number | undefined };

export interface Living {
  pod: Pod;
  runtime: RuntimePod;
  sandbox: RuntimeSandbox;
}

/** Image, configuration, creation, start. What fails is recorded, and remembered as the reason for waiting. */
export async function startContainer(context: PodContext, living: Living, action: Start): Promise<StartOutcome> {
  const { pod, sandbox } = living;
  const memory = context.memory(pod.metadata.uid ?? '');
  const { container } = action.spec;
  const key = backoffKey(pod, action.spec);
  const heldMs = (memory.heldUntilMs.get(key) ?? 0) - context.clock.now();
  // What has run and ended waits for its own delay.
  if (heldMs > 0 && action.previous?.state !== 'exited') return { started: false, againMs: heldMs };
  const config = memory.sandboxConfig ?? sandboxConfigOf(context, pod, sandbox.attempt);
  const secrets = await pullSecrets(context, pod);
  const outcome = await context.puller.ensure({ pod, spec: action.spec, secrets, sandbox: config });
  if (outcome.state === 'pulling') {
    memory.waiting.delete(container.name);
    return { started: false };
  }
  if (outcome.state === 'failed') {
    memory.waiting.set(container.name, outcome.waiting);
    return { started: false, againMs: outcome.againMs };
  }
  countRestart(context, pod, action);
  try {
    const id = await create(context, living, { action, config, image: outcome.image });
    await run(context, living, { action, id });
    memory.waiting.delete(container.name);
    return { started: true };
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    memory.waiting.set(container.name, error.waiting);
    // The configuration may be right at the next change of an object; at the runtime every try leaves a container, and our own status wakes the pod.
    if (error.waiting.reason !== 'CreateContainerConfigError') {
      memory.heldUntilMs.set(key, context.clock.now() + retryMs);
    }
    const about = { ...pod, fieldPath: fieldPathOf(action.spec) };
    context.record(about, { type: 'Warning', reason: 'Failed', message: `Error: ${error.waiting.message}` });
    return { started: false, againMs: retryMs };
  }
}

export const backoffKey = (pod: Pod, { container }: PodContainer): string =>
  `${pod.metadata.uid}_${container.name}_${containerHash(container)}`;

function countRestart({ backoff, clock }: PodContext, pod: Pod, { spec, previous }: Start): void {
  if (previous?.state === 'exited') backoff.next(backoffKey(pod, spec), previous.finishedAtMs, clock.now());
}

class StartError extends Error {
  readonly waiting: Waiting;
  constructor(reason: string, cause: unknown) {
    const message = isGrpcError(cause) ? cause.message : (cause as Error).message;
    super(message, { cause });
    this.waiting = { reason, message };
  }
}

async function pullSecrets(context: PodContext, pod: Pod): Promise<Secret[]> {
  const names = (pod.spec.imagePullSecrets ?? []).map(one => one.name).filter(name => name !== undefined);
  const read = (name: string) => context.objects.secret(pod.metadata.namespace ?? '', name);
  const found = await Promise.all(names.map(async name => ({ name, secret: await read(name) })));
  const absent = found.filter(({ secret }) => !secret).map(({ name }) => name);
  if (absent.length > 0) {
    const message = `Unable to retrieve some image pull secrets (${absent.join(', ')}); attempting to pull the image may not succeed.`;
    context.record(pod, { type: 'Warning', reason: 'FailedToRetrieveImagePullSecret', message });
  }
  return found.flatMap(({ secret }) => secret ?? []);
}

async function create(
  context: PodContext,
  living: Living,
  { action, config, image }: { action: Start; config: SandboxConfig; image: CriImage },
): Promise<string> {
  const { pod, sandbox } = living;
  let made: ReturnType<typeof containerConfig>;
  try {
    made = await configOf(context, living, action, image);
  } catch (error) {
    if (error instanceof ContainerConfigError || error instanceof RangeError) {
      throw new StartError('CreateContainerConfigError', error);
    }
    throw error;
  }
  try {
    const id = await context.cri.runtime.createContainer(sandbox.id, made, config);
    const about = { ...pod, fieldPath: fieldPathOf(action.spec) };
    context.record(about, { type: 'Normal', reason: 'Created', message: 'Container created' });
    return id;
  } catch (error) {
    if (isGrpcError(error)) throw new StartError('CreateContainerError', error);
    throw error;
  }
}

async function configOf(context: PodContext, living: Living, { spec, restartCount }: Start, image: CriImage) {
  const { pod, runtime, sandbox } = living;
  const { config, node, objects } = context;
  const { container } = spec;
  const facts = downwardFacts(context, pod.spec.hostNetwork ? config.nodeIps : sandbox.ips);
  const services = context.services.list();
  const env = await containerEnv({ pod, container, services, objects, ...facts });
  const startId = context.random.suffix(8);
  const volumes = context.memory(pod.metadata.uid ?? '').volumes ?? new Map();
  const mounts = await containerMounts(pod, container, {
    ...{ rootDir: config.rootDir, mounts: context.mounts, volumes, env, startId },
  });
  const target = (container as { targetContainerName?: string }).targetContainerName;
  const security = securityContext({
    ...{ pod, container, image, seccompRoot: seccompRootOf(context) },
    targetId: target ? newestOf(runtime, target)?.id : undefined,
    volumeGroups: pod.spec.securityContext?.fsGroup !== undefined ? [pod.spec.securityContext.fsGroup] : [],
  });
  const nodeFacts = { memoryBytes: node.memoryBytes, cgroupVersion: context.cgroups.version };
  const resources = containerResources(pod, container, nodeFacts);
  return containerConfig(pod, container, { restartCount, imageRef: image.id, env, mounts, resources, security });
}

async function run(context: PodContext, living: Living, { action, id }: { action: Start; id: string }): Promise<void> {
  const { pod } = living;
  const { container } = action.spec;
  const about = { ...pod, fieldPath: fieldPathOf(action.spec) };
  try {
    await context.cri.runtime.startContainer(id);
  } catch (error) {
    if (isGrpcError(error)) throw new StartError('RunContainerError', error);
    throw error;
  }
  context.record(about, { type: 'Normal', reason: 'Started', message: 'Container started' });
  const logPath = join(
    podLogDirectory(context.config.podLogsDir, pod),
    containerLogPath(container.name, action.restartCount),
  );
  await linkLog(context.config.containerLogsDir, { pod, container: container.name, id, logPath });
  if (container.lifecycle?.postStart) startPostHook(context, living, action, id);
}

/** Runs beside: the container counts as started when the hook is over, and is stopped when it fails. */
function startPostHook(context: PodContext, { pod, sandbox }: Living, { spec }: Start, containerId: string): void {
  const uid = pod.metadata.uid ?? '';
  const memory = context.memory(uid);
  memory.hooks.add(containerId);
  context.background(async signal => {
    const ip = (pod.spec.hostNetwork ? context.config.nodeIps : sandbox.ips)[0] ?? '';
    try {
      const { runtime } = context.cri;
      const target = { container: spec.container, containerId, ip };
      const options = { runtime, clock: context.clock, timeoutMs: hookTimeoutMs, signal };
      await runHook(spec.container.lifecycle!.postStart!, target, options);
    } catch (error) {
      context.log.debug('hook failed', { pod: pod.metadata.name, container: spec.container.name, error });
      const about = { ...pod, fieldPath: fieldPathOf(spec) };
      context.record(about, { type: 'Warning', reason: 'FailedPostStartHook', message: 'PostStartHook failed' });
      const grace = pod.spec.terminationGracePeriodSeconds ?? 30;
      context.record(about, { type: 'Normal', reason: 'Killing', message: 'FailedPostStartHook' });
      await context.cri.runtime.stopContainer(containerId, grace);
    } finally {
      memory.hooks.delete(containerId);
      context.wake(uid);
    }
  });
}
