import aggregator from './api-machinery/aggregator.ts';
import chunking from './api-machinery/chunking.ts';
import customResources from './api-machinery/custom-resources.ts';
import discovery from './api-machinery/discovery.ts';
import fieldValidation from './api-machinery/field-validation.ts';
import flowcontrol from './api-machinery/flowcontrol.ts';
import garbageCollector from './api-machinery/garbage-collector.ts';
import mutatingAdmissionPolicy from './api-machinery/mutating-admission-policy.ts';
import namespaces from './api-machinery/namespaces.ts';
import publishOpenapi from './api-machinery/publish-openapi.ts';
import resourceQuota from './api-machinery/resource-quota.ts';
import serverVersion from './api-machinery/server-version.ts';
import validatingAdmissionPolicy from './api-machinery/validating-admission-policy.ts';
import watchers from './api-machinery/watchers.ts';
import webhooks from './api-machinery/webhooks.ts';
import certificates from './auth/certificates.ts';
import serviceAccounts from './auth/service-accounts.ts';
import subjectReviews from './auth/subject-reviews.ts';
import kubectl from './cli/kubectl.ts';
import events from './instrumentation/events.ts';
import type { Register } from './suite.ts';

/** All files with tests. */
export const registers: readonly Register[] = [
  aggregator,
  certificates,
  chunking,
  customResources,
  discovery,
  events,
  fieldValidation,
  flowcontrol,
  garbageCollector,
  kubectl,
  mutatingAdmissionPolicy,
  namespaces,
  publishOpenapi,
  resourceQuota,
  serverVersion,
  serviceAccounts,
  subjectReviews,
  validatingAdmissionPolicy,
  watchers,
  webhooks,
];
