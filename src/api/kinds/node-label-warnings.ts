import type { NodeSelectorTerm } from '../types.ts';
import { eachAt } from './paths.ts';

const deprecatedNodeLabels: ReadonlyMap<string, string> = new Map([
  ['beta.kubernetes.io/arch', 'deprecated since v1.14; use "kubernetes.io/arch" instead'],
  ['beta.kubernetes.io/os', 'deprecated since v1.14; use "kubernetes.io/os" instead'],
  ['failure-domain.beta.kubernetes.io/region', 'deprecated since v1.17; use "topology.kubernetes.io/region" instead'],
  ['failure-domain.beta.kubernetes.io/zone', 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'],
  ['beta.kubernetes.io/instance-type', 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead'],
  ['app.kubernetes.io/created-by', 'deprecated since v1.9'],
  ['scheduler.alpha.kubernetes.io/preferAvoidPods', 'deprecated since v1.22; use Taints and Tolerations instead'],
  ['node-role.kubernetes.io/master', 'use "node-role.kubernetes.io/control-plane" instead'],
]);

/** What is wrong with choosing nodes by this label; undefined: nothing. Source: pkg/api/node. */
export function deprecationOfNodeLabel(key: string): string | undefined {
  return deprecatedNodeLabels.get(key);
}

/** Deprecated labels among the terms that a node affinity consists of. */
export function warnAboutNodeTerm(path: string, term: NodeSelectorTerm | undefined): string[] {
  return warnAboutExpressions(`${path}.matchExpressions`, term?.matchExpressions).map(
    ({ at, text }) => `${at}.key: ${text}`,
  );
}

/** Deprecated keys among expressions: `<key> is deprecated ...`, with the path of the expression. */
export function warnAboutExpressions(
  path: string,
  expressions: readonly { key: string }[] | undefined,
): { at: string; text: string }[] {
  const found: { at: string; text: string }[] = [];
  eachAt(path, expressions, (at, { key }) => {
    const message = deprecatedNodeLabels.get(key);
    if (message) found.push({ at, text: `${key} is ${message}` });
  });
  return found;
}
