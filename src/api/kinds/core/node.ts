import type { KindBehaviour } from '../../kind.ts';
import type { Node } from '../../types.ts';
import { warnAboutRange } from '../address-warnings.ts';
import { keepAllButStatus, keepStatus } from '../behaviour.ts';
import { ageColumn, nameColumn, sortedSet, text, wide } from '../columns.ts';
import { validateNode, validateNodeStatus, validateNodeUpdate } from '../node-rules.ts';

const rolePrefix = 'node-role.kubernetes.io/';

function formatStatus(node: Node): string {
  const ready = node.status?.conditions?.find(condition => condition.type === 'Ready');
  const words = [ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown'];
  if (node.spec?.unschedulable) words.push('SchedulingDisabled');
  return words.join(',');
}

function formatRoles(node: Node): string {
  const labels = node.metadata.labels ?? {};
  const roles = Object.keys(labels).flatMap(key => {
    if (key.startsWith(rolePrefix)) return key.length > rolePrefix.length ? [key.slice(rolePrefix.length)] : [];
    return key === 'kubernetes.io/role' && labels[key] ? [labels[key]] : [];
  });
  return sortedSet(roles) || '<none>';
}

function addressOf(node: Node, type: string): string {
  return node.status?.addresses?.find(address => address.type === type)?.address ?? '<none>';
}

export const node: KindBehaviour<Node> = {
  shortNames: ['no'],
  defaults(draft) {
    draft.spec ??= {};
    const status = draft.status;
    if (status?.capacity && !status.allocatable) status.allocatable = { ...status.capacity };
  },
  prepareCreate(draft) {
    delete draft.spec?.configSource;
    delete draft.status?.config;
  },
  prepareUpdate(draft, old) {
    keepStatus(draft, old);
    if (!old.spec?.configSource) delete draft.spec?.configSource;
  },
  prepareSubresource(draft, old, subresource) {
    if (subresource === 'status') keepAllButStatus(draft, old);
  },
  validateCreate: validateNode,
  validateUpdate: validateNodeUpdate,
  validateSubresource: validateNodeStatus,
  warnings({ spec }) {
    const warnings: string[] = [];
    if (spec?.configSource) warnings.push('spec.configSource: the feature is removed');
    if (spec?.externalID) warnings.push('spec.externalID: this field is deprecated, and is unused by Kubernetes');
    return [...warnings, ...(spec?.podCIDRs ?? []).flatMap((cidr, i) => warnAboutRange(`spec.podCIDRs[${i}]`, cidr))];
  },
  columns: [
    nameColumn,
    text('Status', 'The status of the node', formatStatus),
    text('Roles', 'The roles of the node', formatRoles),
    ageColumn,
    text('Version', 'Version of the node agent.', o => o.status?.nodeInfo?.kubeletVersion ?? ''),
    wide(text('Internal-IP', 'Address inside the cluster.', o => addressOf(o, 'InternalIP'))),
    wide(text('External-IP', 'Address outside the cluster.', o => addressOf(o, 'ExternalIP'))),
    wide(text('OS-Image', 'Operating system.', o => o.status?.nodeInfo?.osImage || '<unknown>')),
    wide(text('Kernel-Version', 'Version of the kernel.', o => o.status?.nodeInfo?.kernelVersion || '<unknown>')),
    wide(
      text(
        'Container-Runtime',
        'Container runtime and its version.',
        o => o.status?.nodeInfo?.containerRuntimeVersion || '<unknown>',
      ),
    ),
  ],
  selectableFields: { 'spec.unschedulable': o => String(o.spec?.unschedulable ?? false) },
};
