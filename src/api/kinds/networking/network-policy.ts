import { cidrContains, formatCidr, parseCidr } from '#base';
import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../types.ts';
import { warnAboutRange } from '../address-warnings.ts';
import { checkCidr } from '../addresses.ts';
import { countGeneration } from '../behaviour.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { forbidden, invalid, notSupported, pushInvalid, required } from '../field-error.ts';
import { checkLabelSelector, formatSelector } from '../label-selector.ts';
import { checkPortName, checkPortNumber } from '../name-rules.ts';
import { eachAt } from '../paths.ts';

const protocols: readonly string[] = ['TCP', 'UDP', 'SCTP'];
const directions: readonly string[] = ['Ingress', 'Egress'];

function defaults(draft: NetworkPolicy): void {
  draft.spec ??= { podSelector: {} };
  draft.spec.podSelector ??= {};
  for (const rule of [...(draft.spec.ingress ?? []), ...(draft.spec.egress ?? [])]) {
    for (const port of rule.ports ?? []) port.protocol ??= 'TCP';
  }
  if (draft.spec.policyTypes?.length) return;
  draft.spec.policyTypes = draft.spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
}

/** The ranges of a policy, with where they stand. */
function rangesOf({ spec }: NetworkPolicy): (readonly [path: string, range: string])[] {
  const found: (readonly [string, string])[] = [];
  const add = (path: string, peers: readonly NetworkPolicyPeer[] | undefined) =>
    eachAt(path, peers, (at, { ipBlock }) => {
      if (!ipBlock) return;
      found.push([`${at}.ipBlock.cidr`, ipBlock.cidr]);
      eachAt(`${at}.ipBlock.except`, ipBlock.except, (where, range) => void found.push([where, range]));
    });
  eachAt('spec.ingress', spec.ingress, (at, rule) => add(`${at}.from`, rule.from));
  eachAt('spec.egress', spec.egress, (at, rule) => add(`${at}.to`, rule.to));
  return found;
}

function validate(policy: NetworkPolicy, old?: NetworkPolicy): FieldError[] {
  const known = old ? rangesOf(old).map(([, range]) => range) : [];
  const errors: FieldError[] = [];
  const { podSelector, ingress, egress, policyTypes = [] } = policy.spec;
  checkLabelSelector(errors, 'spec.podSelector', podSelector);
  eachAt('spec.ingress', ingress, (at, rule) => {
    eachAt(`${at}.ports`, rule.ports, (path, port) => checkPort(errors, path, port));
    eachAt(`${at}.from`, rule.from, (path, peer) => checkPeer(errors, path, { peer, known }));
  });
  eachAt('spec.egress', egress, (at, rule) => {
    eachAt(`${at}.ports`, rule.ports, (path, port) => checkPort(errors, path, port));
    eachAt(`${at}.to`, rule.to, (path, peer) => checkPeer(errors, path, { peer, known }));
  });
  if (policyTypes.length > 2) {
    errors.push(invalid('spec.policyTypes', policyTypes, 'may not specify more than two policyTypes'));
    return errors;
  }
  eachAt('spec.policyTypes', policyTypes, (at, type) => {
    if (!directions.includes(type)) errors.push(notSupported(at, type, directions));
  });
  return errors;
}

function checkPort(errors: FieldError[], path: string, { protocol, port, endPort }: NetworkPolicyPort): void {
  if (protocol !== undefined && !protocols.includes(protocol)) {
    errors.push(notSupported(`${path}.protocol`, protocol, protocols));
  }
  const end = `${path}.endPort`;
  if (typeof port === 'number') {
    pushInvalid(errors, `${path}.port`, port, checkPortNumber(port));
    if (endPort === undefined) return;
    if (endPort < port) errors.push(invalid(end, port, 'must be greater than or equal to `port`'));
    pushInvalid(errors, end, endPort, checkPortNumber(endPort));
    return;
  }
  if (endPort !== undefined) {
    const what = port === undefined ? 'not specified' : 'non-numeric';
    errors.push(invalid(end, endPort, `may not be specified when \`port\` is ${what}`));
  }
  if (port !== undefined) pushInvalid(errors, `${path}.port`, port, checkPortName(port));
}

function checkPeer(
  errors: FieldError[],
  path: string,
  { peer, known }: { peer: NetworkPolicyPeer; known: readonly string[] },
): void {
  checkLabelSelector(errors, `${path}.podSelector`, peer.podSelector);
  checkLabelSelector(errors, `${path}.namespaceSelector`, peer.namespaceSelector);
  if (peer.ipBlock) checkBlock(errors, `${path}.ipBlock`, { block: peer.ipBlock, known });
  const selectors = peer.podSelector || peer.namespaceSelector;
  if (!selectors && !peer.ipBlock) errors.push(required(path, 'must specify a peer'));
  else if (selectors && peer.ipBlock) errors.push(forbidden(path, 'may not specify both ipBlock and another peer'));
}

function checkBlock(
  errors: FieldError[],
  path: string,
  { block, known }: { block: IPBlock; known: readonly string[] },
): void {
  if (!block.cidr) return void errors.push(required(`${path}.cidr`));
  checkCidr(errors, `${path}.cidr`, block.cidr, known);
  const outer = parseCidr(block.cidr);
  if (!outer) return;
  eachAt(`${path}.except`, block.except, (at, except) => {
    checkCidr(errors, at, except, known);
    const inner = parseCidr(except);
    if (!inner) return;
    const base = formatCidr(inner).split('/')[0] ?? '';
    if (!cidrContains(outer, base) || outer.prefix >= inner.prefix) {
      errors.push(invalid(at, except, 'must be a strict subset of `cidr`'));
    }
  });
}

export const networkPolicy: KindBehaviour<NetworkPolicy> = {
  shortNames: ['netpol'],
  defaults,
  prepareCreate(draft) {
    draft.metadata.generation = 1;
  },
  prepareUpdate: countGeneration,
  validateCreate: policy => validate(policy),
  validateUpdate: validate,
  warnings: policy => rangesOf(policy).flatMap(([path, range]) => warnAboutRange(path, range)),
  columns: [
    nameColumn,
    text('Pod-Selector', 'Which pods it is about.', o => formatSelector(o.spec.podSelector)),
    ageColumn,
  ],
};
