import type { KubeObject, Pod, Resource, ResourceQuota } from '#api';
import { groupResourceOf, resources } from '#api';
import type { Clock, Log } from '#base';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { ObjectReader } from '../reader.ts';
import { type Amount, type Amounts, addAmounts, formatAmount, noAmount, parseAmount } from './amounts.ts';
import { type Account, createQuotaLedger, objectKey, type Reservation } from './quota-ledger.ts';
import { createQuotaStatus } from './quota-status.ts';
import { limitedUsage, missingFromPod, usageOf } from './quota-usage.ts';
import { draftOf, isAbout, oldOf, refuse } from './request.ts';

export interface ResourceQuotaOptions {
  readonly reader: ObjectReader;
  readonly clock: Clock;
  readonly log: Log;
  /** Finds the resource of `pods` or `widgets.example.com`; undefined when nothing serves it. */
  resourceOf(groupResource: string): Resource<KubeObject> | undefined;
  /** Writes the status of a quota (update of resourcequotas/status); absent: nobody does. */
  writeStatus?: ((quota: ResourceQuota) => Promise<unknown>) | undefined;
}

/** Resources whose updates may use more; all others only count when they are made. */
const growing = ['services', 'persistentvolumeclaims', 'resourceclaims.resource.k8s.io'];

/**
 * Holds namespaces to their ResourceQuotas. Decides over what exists and what is on its way, so that any number of concurrent writers together stay
 * within the limits; usage comes back as soon as the reader shows a deletion. Also keeps the quotas' status. One server at a time is exact.
 */
export function createResourceQuota(options: ResourceQuotaOptions): AdmissionPlugin & AsyncDisposable {
  const status = createQuotaStatus(options);
  const ledger = createQuotaLedger({ ...options, onDirty: quota => status.touch(quota) });
  status.follow(ledger);
  return {
    name: 'ResourceQuota',
    validate(request) {
      if (!counts(request) || !request.object || !request.namespace) return;
      const { namespace } = request;
      if (ledger.accountsIn(namespace).length === 0) return;
      const claimAll = () =>
        ledger.accountsIn(namespace).flatMap(account => claimOn(account, request, options.clock.now()) ?? []);
      let claims = claimAll();
      if (claims.some(claim => exceededBy(claim).length > 0) && hasEndingPods(options.reader, namespace)) {
        // Pods past their grace stop counting by time alone: no event tells.
        ledger.recount(namespace);
        claims = claimAll();
      }
      for (const claim of claims) checkClaim(request, claim);
      if (!request.dryRun) ledger.reserve(request, claims);
    },
    release: request => ledger.release(request),
    settle: request => ledger.release(request),
    async [Symbol.asyncDispose]() {
      ledger[Symbol.dispose]();
      await status[Symbol.asyncDispose]();
    },
  };
}

function counts(request: AdmissionRequest): boolean {
  if (request.operation === 'CREATE') return request.subresource === '';
  if (request.operation !== 'UPDATE') return false;
  if (isAbout(request, resources.pods, 'resize')) return true;
  if (request.subresource === '' && isAbout(request, resources.pods)) {
    // What gets a deadline falls under other quotas.
    return hasDeadline(draftOf<Pod>(request)) !== hasDeadline(oldOf<Pod>(request));
  }
  return request.subresource === '' && growing.includes(groupResourceOf(request.kind));
}

function hasDeadline(pod: Pod | undefined): boolean {
  return (pod?.spec.activeDeadlineSeconds ?? -1) >= 0;
}

/** What the write would use of a quota beyond what its object uses already; undefined when that is nothing. */
function claimOn(account: Account, request: AdmissionRequest, nowMs: number): Reservation | undefined {
  const object = request.object as KubeObject;
  const resource = request.kind as unknown as Resource<KubeObject>;
  const all = usageOf(resource, object, nowMs);
  const usage = limitedUsage(account.quota, resource, object, all);
  if (!usage) return undefined;
  if (groupResourceOf(resource) === 'pods') {
    const missing = missingFromPod(account.quota, object as Pod);
    if (missing) throw refuse(request, `failed quota: ${account.quota.metadata.name}: ${missing}`);
  }
  const negative = [...all].filter(([, { nano }]) => nano < 0n).map(([name]) => name);
  if (negative.length > 0) {
    throw refuse(request, `quota usage is negative for resource(s): ${negative.sort().join(',')}`);
  }
  const namespace = request.namespace ?? '';
  const key = () => objectKey(resource, namespace, object.metadata.name);
  const before = request.operation === 'UPDATE' ? account.usageAt(key()) : undefined;
  const amounts = increase(usage, before);
  return amounts.size > 0 ? { account, amounts, key } : undefined;
}

function increase(usage: Amounts, before: Amounts | undefined): Map<string, Amount> {
  const grown = new Map<string, Amount>();
  for (const [name, amount] of usage) {
    const nano = amount.nano - (before?.get(name)?.nano ?? 0n);
    if (nano > 0n) grown.set(name, { ...amount, nano });
  }
  return grown;
}

function hasEndingPods(reader: ObjectReader, namespace: string): boolean {
  return reader.list(resources.pods, namespace).some(pod => pod.metadata.deletionTimestamp);
}

function limitOf(account: Account, name: string): Amount {
  return parseAmount(account.quota.spec?.hard?.[name] ?? '0');
}

/** What the claim asks too much of, sorted. */
function exceededBy({ account, amounts }: Reservation): string[] {
  const exceeds = ([name, amount]: [string, Amount]) =>
    addAmounts(account.taken(name), amount).nano > limitOf(account, name).nano;
  return [...amounts]
    .filter(exceeds)
    .map(([name]) => name)
    .sort();
}

function checkClaim(request: AdmissionRequest, claim: Reservation): void {
  const exceeded = exceededBy(claim);
  if (exceeded.length === 0) return;
  const { account, amounts } = claim;
  const list = (of: (name: string) => Amount) => exceeded.map(name => `${name}=${formatAmount(of(name))}`).join(',');
  const requested = list(name => amounts.get(name) ?? noAmount);
  const used = list(name => account.taken(name));
  const limited = list(name => limitOf(account, name));
  const { name } = account.quota.metadata;
  throw refuse(request, `exceeded quota: ${name}, requested: ${requested}, used: ${used}, limited: ${limited}`);
}
