import { type Node, type Pod, resources } from '#api';
import { badRequest, notFound } from '../access/refuse.ts';
import type { ObjectReader } from '../reader.ts';

/** Which addresses of a node are tried, in upstream's order. */
const addressTypes = ['InternalIP', 'Hostname', 'InternalDNS', 'ExternalDNS', 'ExternalIP'];
const defaultKubeletPort = 10250;

/** `https://10.0.0.5:10250` of the node that runs the pod. Throws Status 400 when it runs nowhere yet, 404 when the node is gone. */
export function kubeletOfPod(reader: ObjectReader, pod: Pod): string {
  if (!pod.spec.nodeName) throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  return kubeletUrl(findNode(reader, pod.spec.nodeName));
}

export function findNode(reader: ObjectReader, name: string): Node {
  const node = reader.get(resources.nodes, undefined, name);
  if (!node) throw notFound({ group: '', resource: 'nodes' }, name);
  return node;
}

export function kubeletUrl(node: Node): string {
  const addresses = node.status?.addresses ?? [];
  const address = addressTypes.map(type => addresses.find(entry => entry.type === type)?.address).find(Boolean);
  if (!address) throw badRequest(`no preferred addresses found; known addresses: ${JSON.stringify(addresses)}`);
  const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port || defaultKubeletPort;
  return `https://${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** The pod. Throws Status 404. */
export function findPod(reader: ObjectReader, namespace: string | undefined, name: string): Pod {
  const pod = reader.get(resources.pods, namespace, name);
  if (!pod) throw notFound({ group: '', resource: 'pods' }, name);
  return pod;
}

/** The container that is meant: as named, or the only one. Throws Status 400 as upstream words it. */
export function containerOf(pod: Pod, named: string | null): string {
  const { initContainers, containers, ephemeralContainers } = pod.spec;
  const lists: (readonly { name: string }[])[] = [initContainers ?? [], containers, ephemeralContainers ?? []];
  const names = lists.flat().map(container => container.name);
  if (named) {
    if (names.includes(named)) return named;
    throw badRequest(`container ${named} is not valid for pod ${pod.metadata.name}`);
  }
  // The annotation that names a default one is for clients to read.
  if (containers.length === 1) return containers[0]!.name;
  const wanted = `a container name must be specified for pod ${pod.metadata.name}`;
  throw badRequest(`${wanted}, choose one of: [${names.join(' ')}]`);
}
