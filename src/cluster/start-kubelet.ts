import type { Running } from '#base';
import { createCgroups, createMounts } from '#host';
import { kubeletDefaults, startKubelet, startKubeletServer } from '#kubelet';
import { subscribeContainerdEvents } from '#wire';
import { type Cluster, nodeDeps } from './cluster.ts';
import { parseLabels, parseTaints } from './node-options.ts';
import { version } from './version.ts';

/** What of containerd's events changes a pod. */
const eventTopics = ['/tasks/start', '/tasks/exit', '/tasks/oom'];

/** The node agent and its HTTPS port. Stopping it leaves the pods running. */
export async function startNodeKubelet(cluster: Cluster): Promise<Running> {
  const { config, paths, nodeName, nodeAddress, shared, clock, log, meter } = cluster;
  const runtime = cluster.runtime!;
  const deps = nodeDeps(cluster);
  await using stack = new AsyncDisposableStack();
  const kubelet = stack.use(
    await startKubelet(
      {
        ...kubeletDefaults,
        nodeName,
        nodeIps: [nodeAddress],
        version: version.kubernetes,
        rootDir: paths.kubelet,
        podLogsDir: paths.podLogs,
        containerLogsDir: paths.containerLogs,
        port: config['kubelet-port'],
        clusterDns: [shared['cluster-dns']],
        clusterDomain: shared['cluster-domain'],
        resolvConf: config['resolv-conf'],
        maxPods: config['max-pods'],
        nodeLabels: parseLabels(config['node-label']),
        nodeTaints: parseTaints(config['node-taint']),
        staticPodDir: paths.staticPods,
        pauseImage: runtime.pauseImage,
      },
      {
        ...deps,
        cri: runtime.cri,
        mounts: createMounts(),
        cgroups: createCgroups(),
        runtimeEvents: signal =>
          subscribeContainerdEvents({ socketPath: runtime.socketPath, now: clock.now, topics: eventTopics, signal }),
      },
    ),
  );
  stack.use(
    await startKubeletServer(
      { host: '0.0.0.0', port: config['kubelet-port'], tls: cluster.nodeTls!, nodeName },
      { view: kubelet.view, client: deps.client, clock, log: log.child('node'), meter },
    ),
  );
  const all = stack.move();
  return {
    ready: () => kubelet.ready(),
    async [Symbol.asyncDispose]() {
      await all.disposeAsync();
      await deps[Symbol.asyncDispose]();
    },
  };
}
