import type { ContainerStatus, Pod } from '#api';
import type { Request, Response } from '#wire';
import { type LogOptions, parseLogOptions } from './log-options.ts';
import { readLog } from './log-reader.ts';
import type { KubeletView } from './view.ts';

/** `/containerLogs/<namespace>/<pod>/<container>`; texts as upstream's, which kubectl shows. */
export async function answerContainerLogs(
  request: Request,
  names: { namespace: string; pod: string; container: string },
  { view, nowMs }: { view: KubeletView; nowMs: number },
): Promise<Response> {
  let options: LogOptions;
  try {
    options = parseLogOptions(new URLSearchParams(request.search), nowMs);
  } catch (error) {
    return text(400, (error as Error).message);
  }
  const pod = view.pod(names.namespace, names.pod);
  if (!pod) return text(404, `pod "${names.pod}" does not exist`);
  const container = await view.container(pod, names.container, { previous: options.previous });
  if (!container) return text(400, whyNone(pod, names.container, options.previous));
  const isRunning = async () => {
    const now = await view.container(pod, names.container, { previous: options.previous });
    return now?.id === container.id && now.isRunning;
  };
  return {
    status: 200,
    headers: { 'content-type': 'text/plain' },
    body: sink => readLog({ path: container.logPath, options, sink, signal: request.signal, isRunning }),
  };
}

function whyNone(pod: Pod, name: string, previous: boolean): string {
  const { initContainers, containers, ephemeralContainers } = pod.spec;
  const known = [...containers, ...(initContainers ?? []), ...(ephemeralContainers ?? [])].some(
    container => container.name === name,
  );
  if (!known) return `container "${name}" in pod "${pod.metadata.name}" is not available`;
  if (previous) return `previous terminated container "${name}" in pod "${pod.metadata.name}" not found`;
  const status = statusOf(pod, name);
  const waiting = status?.state?.waiting?.reason ?? 'ContainerCreating';
  const cause = ['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName'].includes(waiting)
    ? `trying and failing to pull image`
    : `waiting to start: ${waiting}`;
  return `container "${name}" in pod "${pod.metadata.name}" is ${cause}`;
}

function statusOf(pod: Pod, name: string): ContainerStatus | undefined {
  const { containerStatuses, initContainerStatuses, ephemeralContainerStatuses } = pod.status ?? {};
  const all = [...(containerStatuses ?? []), ...(initContainerStatuses ?? []), ...(ephemeralContainerStatuses ?? [])];
  return all.find(status => status.name === name);
}

function text(status: number, message: string): Response {
  return { status, headers: { 'content-type': 'text/plain' }, body: Buffer.from(`${message}\n`) };
}
