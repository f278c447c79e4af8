import type { Pod } from '#api';
import type { FilesystemState } from './node/machine.ts';
import { statsSummary } from './node/stats-summary.ts';
import type { PodContext } from './pods/context.ts';
import { currentSandbox } from './runtime/runtime-pod.ts';
import type { KubeletView } from './server/view.ts';

/** What the node's own HTTPS server asks of the node. */
export function createKubeletView(
  context: PodContext,
  readState: () => Promise<{ nodefs: FilesystemState; imagefs: FilesystemState }>,
): KubeletView {
  const { source, status, cache, cri } = context;
  const fresh = (pod: Pod): Pod => {
    const latest = status.latest(pod.metadata.uid ?? '');
    return latest ? { ...pod, status: latest } : pod;
  };
  return {
    pods: () => source.list().map(fresh),
    pod(namespace, name) {
      const found = source.byName(namespace, name);
      return found && fresh(found);
    },
    async container(pod, name, { previous }) {
      const runtime = await cache.refresh(pod.metadata.uid ?? '');
      // What was never started has written nothing: its log is that of the one before.
      const instances = runtime.containers.filter(one => one.name === name && one.state !== 'created');
      const found = instances[previous ? 1 : 0];
      return found && { id: found.id, logPath: found.logPath, isRunning: found.state === 'running' };
    },
    execUrl: ({ containerId, command, ...streams }) => cri.runtime.exec(containerId, command, streams),
    attachUrl: ({ containerId, ...streams }) => cri.runtime.attach(containerId, streams),
    async portForwardUrl(pod) {
      const sandbox = currentSandbox(await cache.refresh(pod.metadata.uid ?? ''));
      if (!sandbox) throw new Error(`pod "${pod.metadata.name}" has no running sandbox`);
      return cri.runtime.portForward(sandbox.id, []);
    },
    statsSummary: async () => statsSummary(context, await readState()),
  };
}
