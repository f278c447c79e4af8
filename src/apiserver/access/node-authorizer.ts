import { parseFieldSelector } from '#api';
import type { Attributes, Decision } from '../access.ts';
import type { ObjectReader } from '../reader.ts';
import { nodeRules } from './bootstrap-roles.ts';
import { nodeNameOf } from './identities.ts';
import { createNodeGraph, type NodeGraph } from './node-graph.ts';
import { quote } from './refuse.ts';
import { ruleAllows } from './rule-match.ts';

const allowed: Decision = { verdict: 'allow', reason: '' };
const pass: Decision = { verdict: 'no-opinion', reason: '' };
const refuse = (reason: string): Decision => ({ verdict: 'no-opinion', reason });

type Check = (node: string, asked: Attributes, graph: NodeGraph) => Decision;

/** Which check stands for which resource; what is not listed follows the static rules of system:node. */
const checks: Readonly<Record<string, Check>> = {
  'secrets.': readByReference,
  'configmaps.': readByReference,
  'persistentvolumes.': getByReference,
  'persistentvolumeclaims.': (node, asked, graph) =>
    asked.subresource === 'status' ? writeStatusByReference(node, asked, graph) : getByReference(node, asked, graph),
  'resourceclaims.resource.k8s.io': getByReference,
  'volumeattachments.storage.k8s.io': getByReference,
  'serviceaccounts.': createToken,
  'leases.coordination.k8s.io': ownLease,
  'csinodes.storage.k8s.io': ownCsiNode,
  'nodes.': ownNode,
  'pods.': ownPods,
  'resourceslices.resource.k8s.io': ownResourceSlices,
};

/**
 * Gives kubelets (user system:node:<name> in system:nodes) what their own pods need and nothing of other nodes; NodeRestriction narrows their writes.
 * Never denies: what it does not allow is left to RBAC. After upstream's node authorizer (with AuthorizeNodeWithSelectors).
 */
export function createNodeAuthorizer(reader: ObjectReader): { authorize(asked: Attributes): Decision } & Disposable {
  const graph = createNodeGraph(reader);
  return {
    authorize(asked) {
      const node = nodeNameOf(asked.user);
      if (node === undefined) return pass;
      if (node === '') return refuse(`unknown node for user ${quote(asked.user.name)}`);
      const check = asked.resource === undefined ? undefined : checks[`${asked.resource}.${asked.group ?? ''}`];
      if (check) return check(node, asked, graph);
      return nodeRules.some(rule => ruleAllows(rule, asked)) ? allowed : pass;
    },
    [Symbol.dispose]: () => graph[Symbol.dispose](),
  };
}

function byReference(node: string, asked: Attributes, graph: NodeGraph): Decision {
  if (!asked.name) return refuse('No Object name found');
  const target = { resource: asked.resource ?? '', namespace: asked.namespace ?? '', name: asked.name };
  if (graph.reaches(node, target)) return allowed;
  return refuse(`no relationship found between node '${node}' and this object`);
}

function readByReference(node: string, asked: Attributes, graph: NodeGraph): Decision {
  if (!['get', 'list', 'watch'].includes(asked.verb)) return refuse('can only read resources of this type');
  if (asked.subresource) return refuse('cannot read subresource');
  if (!asked.namespace) return refuse('can only read namespaced object of this type');
  return byReference(node, asked, graph);
}

function getByReference(node: string, asked: Attributes, graph: NodeGraph): Decision {
  if (asked.verb !== 'get') return refuse('can only get individual resources of this type');
  if (asked.subresource) return refuse('cannot get subresource');
  return byReference(node, asked, graph);
}

function writeStatusByReference(node: string, asked: Attributes, graph: NodeGraph): Decision {
  if (!['get', 'update', 'patch'].includes(asked.verb)) return refuse('can only get/update/patch this type');
  return byReference(node, asked, graph);
}

function createToken(node: string, asked: Attributes, graph: NodeGraph): Decision {
  if (asked.verb !== 'create' || asked.subresource !== 'token') {
    return refuse('can only create tokens for individual service accounts');
  }
  return byReference(node, asked, graph);
}

const ownObjectVerbs = ['get', 'create', 'update', 'patch', 'delete'];

function ownLease(node: string, asked: Attributes): Decision {
  if (!ownObjectVerbs.includes(asked.verb)) {
    return refuse('can only get, create, update, patch, or delete a node lease');
  }
  if (asked.namespace !== 'kube-node-lease') {
    return refuse('can only access leases in the "kube-node-lease" system namespace');
  }
  if (asked.verb !== 'create' && asked.name !== node) {
    return refuse('can only access node lease with the same name as the requesting node');
  }
  return allowed;
}

function ownCsiNode(node: string, asked: Attributes): Decision {
  if (!ownObjectVerbs.includes(asked.verb)) {
    return refuse('can only get, create, update, patch, or delete a CSINode');
  }
  if (asked.subresource) return refuse('cannot authorize CSINode subresources');
  if (asked.verb !== 'create' && asked.name !== node) {
    return refuse('can only access CSINode with the same name as the requesting node');
  }
  return allowed;
}

function ownNode(node: string, asked: Attributes): Decision {
  const own = asked.name === node;
  if (asked.subresource === 'status') {
    return own && ['update', 'patch'].includes(asked.verb) ? allowed : refuse(readOther(node, asked));
  }
  if (asked.subresource) return pass;
  if (asked.verb === 'create') return allowed;
  if (['update', 'patch'].includes(asked.verb)) return allowed;
  if (!['get', 'list', 'watch'].includes(asked.verb)) return pass;
  return own || selects(asked, 'metadata.name', node) ? allowed : refuse(readOther(node, asked));
}

function readOther(node: string, asked: Attributes): string {
  return `node '${node}' cannot read '${asked.name ?? ''}', only its own Node object`;
}

function ownPods(node: string, asked: Attributes, graph: NodeGraph): Decision {
  if (asked.subresource === 'status') return ['update', 'patch'].includes(asked.verb) ? allowed : pass;
  if (asked.subresource === 'eviction') return asked.verb === 'create' ? allowed : pass;
  if (asked.subresource) return pass;
  switch (asked.verb) {
    case 'get':
      return byReference(node, asked, graph);
    case 'list':
    case 'watch':
      if (asked.name) return byReference(node, asked, graph);
      return selects(asked, 'spec.nodeName', node)
        ? allowed
        : refuse('can only list/watch pods with spec.nodeName field selector');
    case 'create':
    case 'delete':
      return allowed;
    default:
      return pass;
  }
}

function ownResourceSlices(node: string, asked: Attributes): Decision {
  if (asked.subresource) return refuse('cannot authorize ResourceSlice subresources');
  if (['get', 'create', 'update', 'patch', 'delete'].includes(asked.verb)) return allowed;
  if (!['list', 'watch', 'deletecollection'].includes(asked.verb)) {
    return refuse(
      'only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection',
    );
  }
  if (selects(asked, 'spec.nodeName', node)) return allowed;
  return refuse('can only list/watch/deletecollection resourceslices with spec.nodeName field selector');
}

/** True when the request's field selector demands `field=value`, among other things. */
function selects(asked: Attributes, field: string, value: string): boolean {
  if (!asked.fieldSelector) return false;
  try {
    // Parsed as the list parses it: an escaped comma ends no term.
    const terms = parseFieldSelector(asked.fieldSelector);
    return terms.some(term => term.isEqual && term.field === field && term.value === value);
  } catch {
    // No selector: the list will refuse it.
    return false;
  }
}
