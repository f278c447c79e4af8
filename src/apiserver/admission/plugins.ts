import type { KubeObject, Resource, ResourceQuota, Scheme } from '#api';
import type { Clock, Log, Meter, Random } from '#base';
import type { Authorization } from '../access/authorize.ts';
import type { AdmissionPlugin } from '../admission.ts';
import type { ObjectReader } from '../reader.ts';
import type { WebhookClient } from '../webhook/index.ts';
import { compareQuantities } from './amounts.ts';
import {
  createCertificateApproval,
  createCertificateSigning,
  createCertificateSubjectRestriction,
} from './certificates.ts';
import type { AdmissionConfiguration } from './configuration.ts';
import { createLimitRanger } from './limit-ranger.ts';
import { createNamespaceLifecycle } from './namespace-lifecycle.ts';
import { createNodeRestriction } from './node-restriction.ts';
import { createUnenforcedConfigurationWarning } from './not-called-yet.ts';
import { createOwnerReferencesPermissionEnforcement } from './owner-references.ts';
import {
  createDefaultTolerationSeconds,
  createPodTopologyLabels,
  createPriority,
  createTaintNodesByCondition,
} from './pod-defaults.ts';
import { createPodResizeValidator } from './pod-resize.ts';
import { createPodSecurity } from './pod-security.ts';
import { createPolicyPlugins } from './policies/index.ts';
import { createRbacEscalationCheck } from './rbac-rules.ts';
import { createResourceQuota } from './resource-quota.ts';
import { createRuntimeClass } from './runtime-class.ts';
import { createServiceAccountPlugin } from './service-account.ts';
import {
  createDefaultIngressClass,
  createDefaultStorageClass,
  createPersistentVolumeClaimResize,
  createStorageObjectInUseProtection,
} from './storage-defaults.ts';
import { createWebhookPlugins } from './webhooks/index.ts';

export interface AdmissionOptions {
  readonly reader: ObjectReader;
  readonly authorization: Authorization;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
  /** What an operator's file says to plugins. */
  readonly configuration?: AdmissionConfiguration | undefined;
  /** Versions of kinds, for webhooks that ask for another one. */
  readonly scheme: () => Scheme;
  /** Calls webhooks; default one of admission's own. */
  readonly webhookClient?: WebhookClient | undefined;
  /** By kind, for owner references; undefined when nothing serves it. */
  resourceOfKind(apiVersion: string, kind: string): Resource<KubeObject> | undefined;
  /** By name as in quotas: `pods`, `widgets.example.com`; undefined when nothing serves it. */
  resourceOfName(groupResource: string): Resource<KubeObject> | undefined;
  /** Writes resourcequotas/status. */
  writeQuotaStatus?: ((quota: ResourceQuota) => Promise<unknown>) | undefined;
}

/** The plugins in the order in which they run, and what must be closed when the server stops. */
export interface Admission extends AsyncDisposable {
  readonly plugins: readonly AdmissionPlugin[];
}

/** Upstream's default plugins in upstream's order (pkg/kubeapiserver/options/plugins.go); mutations of all run before validations of all. */
export function createAdmission(options: AdmissionOptions): Admission {
  const { reader, authorization, clock, random, log } = options;
  const { authorize } = authorization;
  const quota = createResourceQuota({
    reader,
    clock,
    log,
    resourceOf: options.resourceOfName,
    writeStatus: options.writeQuotaStatus,
  });
  const webhooks = createWebhookPlugins({
    ...options,
    authorize,
    client: options.webhookClient,
    log: log.child('webhooks'),
  });
  const policies = createPolicyPlugins({ ...options, authorize });
  const plugins: readonly AdmissionPlugin[] = [
    // First: nobody may grant what he does not hold, whatever else is wrong. Upstream has it in the storage of roles, before all validation.
    createRbacEscalationCheck(authorization),
    createNamespaceLifecycle(reader),
    // Before ServiceAccount and the rest: its defaults are part of what the others judge.
    createLimitRanger(reader),
    createServiceAccountPlugin({ reader, clock, random }),
    createNodeRestriction(reader, authorize),
    createTaintNodesByCondition(),
    createPodSecurity(reader, { meter: options.meter, config: options.configuration?.podSecurity }),
    createPriority(reader),
    createDefaultTolerationSeconds(),
    createDefaultStorageClass(reader),
    createStorageObjectInUseProtection(),
    createOwnerReferencesPermissionEnforcement({ authorize, resourceOf: options.resourceOfKind }),
    createPersistentVolumeClaimResize(reader, compareQuantities),
    createRuntimeClass(reader),
    createCertificateApproval(authorize),
    createCertificateSigning(authorize),
    createCertificateSubjectRestriction(),
    createDefaultIngressClass(reader),
    createPodTopologyLabels(reader),
    createPodResizeValidator(reader),
    createUnenforcedConfigurationWarning(),
    // What users add comes after all that mutates from within, in upstream's order: MutatingAdmissionPolicy, MutatingAdmissionWebhook,
    // ValidatingAdmissionPolicy, ValidatingAdmissionWebhook.
    policies.mutating,
    webhooks.mutating,
    policies.validating,
    webhooks.validating,
    // Last: it reserves, so nothing after it may refuse.
    quota,
  ];
  return {
    plugins,
    async [Symbol.asyncDispose]() {
      policies[Symbol.dispose]();
      webhooks[Symbol.dispose]();
      await quota[Symbol.asyncDispose]();
    },
  };
}
