import type { Node, Pod } from '#api';
import { type Amounts, addAmounts, podRequests, readAmounts, subtractAmounts } from './amounts.ts';

/** A node with what is placed on it: what filters and scores look at. */
export interface NodeState {
  readonly node: Node;
  readonly pods: readonly Pod[];
  /** What the node can give. */
  readonly allocatable: Amounts;
  /** What its pods ask for. */
  readonly requested: Amounts;
  /** `TCP 0.0.0.0 80`, of the host ports in use. */
  readonly usedPorts: ReadonlySet<string>;
}

/** Nodes and the pods on them, kept up to date one change at a time, so that a scheduling cycle never walks all pods of the cluster. */
export interface ClusterState {
  setNode(node: Node): void;
  removeNode(name: string): void;
  /** Places or moves a pod; one without a node, or finished, is removed. */
  setPod(pod: Pod): void;
  removePod(uid: string): void;
  /** All nodes, in the order of their names. The states do not change afterwards. */
  nodes(): readonly NodeState[];
  /** Where a pod is placed now. */
  nodeOf(uid: string): string | undefined;
}

interface Slot {
  node: Node | undefined;
  pods: Map<string, Pod>;
  /** Built when asked for, dropped when the slot changes. */
  state: NodeState | undefined;
}

export function createClusterState(): ClusterState {
  const slots = new Map<string, Slot>();
  const places = new Map<string, string>();
  const slotOf = (name: string) => {
    const slot = slots.get(name) ?? { node: undefined, pods: new Map<string, Pod>(), state: undefined };
    slots.set(name, slot);
    return slot;
  };
  const removePod = (uid: string) => {
    const name = places.get(uid);
    const slot = name === undefined ? undefined : slots.get(name);
    if (name === undefined || !slot) return;
    places.delete(uid);
    slot.pods.delete(uid);
    slot.state = undefined;
    if (!slot.node && slot.pods.size === 0) slots.delete(name);
  };
  return {
    setNode(node) {
      const slot = slotOf(node.metadata.name);
      slot.node = node;
      slot.state = undefined;
    },
    removeNode(name) {
      const slot = slots.get(name);
      if (!slot) return;
      slot.node = undefined;
      slot.state = undefined;
      if (slot.pods.size === 0) slots.delete(name);
    },
    setPod(pod) {
      const uid = pod.metadata.uid!;
      const name = isFinished(pod) ? undefined : pod.spec.nodeName;
      if (places.get(uid) !== name) removePod(uid);
      if (!name) return;
      const slot = slotOf(name);
      slot.pods.set(uid, pod);
      slot.state = undefined;
      places.set(uid, name);
    },
    removePod,
    nodeOf: uid => places.get(uid),
    nodes() {
      const present = [...slots.values()].filter((slot): slot is Slot & { node: Node } => slot.node !== undefined);
      for (const slot of present) slot.state ??= createNodeState(slot.node, [...slot.pods.values()]);
      const byName = (a: NodeState, b: NodeState) => (a.node.metadata.name < b.node.metadata.name ? -1 : 1);
      return present.map(slot => slot.state!).sort(byName);
    },
  };
}

/** A node with these pods on it. */
export function createNodeState(node: Node, pods: readonly Pod[]): NodeState {
  const requested: Amounts = new Map();
  for (const pod of pods) addAmounts(requested, podRequests(pod));
  return {
    node,
    pods,
    allocatable: readAmounts(node.status?.allocatable ?? {}),
    requested,
    usedPorts: new Set(pods.flatMap(hostPorts)),
  };
}

/** The state as it would be without some of its pods. */
export function withoutPods(state: NodeState, gone: readonly Pod[]): NodeState {
  const uids = new Set(gone.map(pod => pod.metadata.uid));
  const pods = state.pods.filter(pod => !uids.has(pod.metadata.uid));
  const requested = new Map(state.requested);
  for (const pod of gone) subtractAmounts(requested, podRequests(pod));
  return { ...state, pods, requested, usedPorts: new Set(pods.flatMap(hostPorts)) };
}

/** Ports that the pod takes on its node, as `protocol address port`. */
export function hostPorts(pod: Pod): string[] {
  const containers = [
    ...pod.spec.containers,
    ...(pod.spec.initContainers ?? []).filter(c => c.restartPolicy === 'Always'),
  ];
  return containers.flatMap(container =>
    (container.ports ?? [])
      .filter(port => port.hostPort)
      .map(port => `${port.protocol ?? 'TCP'} ${port.hostIP || '0.0.0.0'} ${port.hostPort}`),
  );
}

export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}
