import type { KindBehaviour } from '../kind.ts';
import type { UnknownObject } from '../resource.ts';
import { mutatingAdmissionPolicy } from './admissionregistration/mutating-admission-policy.ts';
import { mutatingAdmissionPolicyBinding } from './admissionregistration/mutating-admission-policy-binding.ts';
import { mutatingWebhookConfiguration } from './admissionregistration/mutating-webhook-configuration.ts';
import { validatingAdmissionPolicy } from './admissionregistration/validating-admission-policy.ts';
import { validatingAdmissionPolicyBinding } from './admissionregistration/validating-admission-policy-binding.ts';
import { validatingWebhookConfiguration } from './admissionregistration/validating-webhook-configuration.ts';
import { customResourceDefinition } from './apiextensions/custom-resource-definition.ts';
import { apiService } from './apiregistration/api-service.ts';
import { controllerRevision } from './apps/controller-revision.ts';
import { daemonSet } from './apps/daemon-set.ts';
import { deployment } from './apps/deployment.ts';
import { replicaSet } from './apps/replica-set.ts';
import { statefulSet } from './apps/stateful-set.ts';
import { localSubjectAccessReview } from './authorization/local-subject-access-review.ts';
import { selfSubjectAccessReview } from './authorization/self-subject-access-review.ts';
import { subjectAccessReview } from './authorization/subject-access-review.ts';
import { horizontalPodAutoscaler } from './autoscaling/horizontal-pod-autoscaler.ts';
import { horizontalPodAutoscalerV1 } from './autoscaling/horizontal-pod-autoscaler-v1.ts';
import { cronJob } from './batch/cron-job.ts';
import { job } from './batch/job.ts';
import { behaviour } from './behaviour.ts';
import { certificateSigningRequest } from './certificates/certificate-signing-request.ts';
import { lease } from './coordination/lease.ts';
import { binding } from './core/binding.ts';
import { componentStatus } from './core/component-status.ts';
import { configMap } from './core/config-map.ts';
import { endpoints } from './core/endpoints.ts';
import { event } from './core/event.ts';
import { limitRange } from './core/limit-range.ts';
import { namespace } from './core/namespace.ts';
import { node } from './core/node.ts';
import { persistentVolume } from './core/persistent-volume.ts';
import { persistentVolumeClaim } from './core/persistent-volume-claim.ts';
import { pod } from './core/pod.ts';
import { podTemplate } from './core/pod-template.ts';
import { replicationController } from './core/replication-controller.ts';
import { resourceQuota } from './core/resource-quota.ts';
import { secret } from './core/secret.ts';
import { service } from './core/service.ts';
import { serviceAccount } from './core/service-account.ts';
import { endpointSlice } from './discovery/endpoint-slice.ts';
import { eventsEvent } from './events/event.ts';
import { flowSchema } from './flowcontrol/flow-schema.ts';
import { priorityLevelConfiguration } from './flowcontrol/priority-level-configuration.ts';
import { ingress } from './networking/ingress.ts';
import { ingressClass } from './networking/ingress-class.ts';
import { ipAddress } from './networking/ip-address.ts';
import { networkPolicy } from './networking/network-policy.ts';
import { serviceCidr } from './networking/service-cidr.ts';
import { runtimeClass } from './node/runtime-class.ts';
import { podDisruptionBudget } from './policy/pod-disruption-budget.ts';
import { clusterRole } from './rbac/cluster-role.ts';
import { clusterRoleBinding } from './rbac/cluster-role-binding.ts';
import { role } from './rbac/role.ts';
import { roleBinding } from './rbac/role-binding.ts';
import { deviceClass } from './resource/device-class.ts';
import { resourceClaim } from './resource/resource-claim.ts';
import { resourceClaimTemplate } from './resource/resource-claim-template.ts';
import { resourceSlice } from './resource/resource-slice.ts';
import { priorityClass } from './scheduling/priority-class.ts';
import { csiDriver } from './storage/csi-driver.ts';
import { csiNode } from './storage/csi-node.ts';
import { csiStorageCapacity } from './storage/csi-storage-capacity.ts';
import { storageClass } from './storage/storage-class.ts';
import { volumeAttachment } from './storage/volume-attachment.ts';
import { volumeAttributesClass } from './storage/volume-attributes-class.ts';

/** What makes the built-in kinds special, by `v1/pods`, `apps/v1/deployments`: the keys of tables/resources.json. Kinds that are not here have nothing special. */
export const behaviours: ReadonlyMap<string, KindBehaviour<UnknownObject>> = new Map([
  ['admissionregistration.k8s.io/v1/mutatingadmissionpolicies', behaviour(mutatingAdmissionPolicy)],
  ['admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings', behaviour(mutatingAdmissionPolicyBinding)],
  ['admissionregistration.k8s.io/v1/mutatingwebhookconfigurations', behaviour(mutatingWebhookConfiguration)],
  ['admissionregistration.k8s.io/v1/validatingadmissionpolicies', behaviour(validatingAdmissionPolicy)],
  ['admissionregistration.k8s.io/v1/validatingadmissionpolicybindings', behaviour(validatingAdmissionPolicyBinding)],
  ['admissionregistration.k8s.io/v1/validatingwebhookconfigurations', behaviour(validatingWebhookConfiguration)],
  ['apiextensions.k8s.io/v1/customresourcedefinitions', behaviour(customResourceDefinition)],
  ['apiregistration.k8s.io/v1/apiservices', behaviour(apiService)],
  ['apps/v1/controllerrevisions', behaviour(controllerRevision)],
  ['apps/v1/daemonsets', behaviour(daemonSet)],
  ['apps/v1/deployments', behaviour(deployment)],
  ['apps/v1/replicasets', behaviour(replicaSet)],
  ['apps/v1/statefulsets', behaviour(statefulSet)],
  ['autoscaling/v1/horizontalpodautoscalers', behaviour(horizontalPodAutoscalerV1)],
  ['autoscaling/v2/horizontalpodautoscalers', behaviour(horizontalPodAutoscaler)],
  ['batch/v1/cronjobs', behaviour(cronJob)],
  ['batch/v1/jobs', behaviour(job)],
  ['coordination.k8s.io/v1/leases', behaviour(lease)],
  ['discovery.k8s.io/v1/endpointslices', behaviour(endpointSlice)],
  ['events.k8s.io/v1/events', behaviour(eventsEvent)],
  ['flowcontrol.apiserver.k8s.io/v1/flowschemas', behaviour(flowSchema)],
  ['networking.k8s.io/v1/ingressclasses', behaviour(ingressClass)],
  ['networking.k8s.io/v1/ingresses', behaviour(ingress)],
  ['networking.k8s.io/v1/ipaddresses', behaviour(ipAddress)],
  ['networking.k8s.io/v1/networkpolicies', behaviour(networkPolicy)],
  ['networking.k8s.io/v1/servicecidrs', behaviour(serviceCidr)],
  ['node.k8s.io/v1/runtimeclasses', behaviour(runtimeClass)],
  ['policy/v1/poddisruptionbudgets', behaviour(podDisruptionBudget)],
  ['rbac.authorization.k8s.io/v1/clusterrolebindings', behaviour(clusterRoleBinding)],
  ['rbac.authorization.k8s.io/v1/clusterroles', behaviour(clusterRole)],
  ['rbac.authorization.k8s.io/v1/rolebindings', behaviour(roleBinding)],
  ['rbac.authorization.k8s.io/v1/roles', behaviour(role)],
  ['resource.k8s.io/v1/deviceclasses', behaviour(deviceClass)],
  ['resource.k8s.io/v1/resourceclaims', behaviour(resourceClaim)],
  ['resource.k8s.io/v1/resourceclaimtemplates', behaviour(resourceClaimTemplate)],
  ['resource.k8s.io/v1/resourceslices', behaviour(resourceSlice)],
  ['scheduling.k8s.io/v1/priorityclasses', behaviour(priorityClass)],
  ['storage.k8s.io/v1/csidrivers', behaviour(csiDriver)],
  ['storage.k8s.io/v1/csinodes', behaviour(csiNode)],
  ['storage.k8s.io/v1/csistoragecapacities', behaviour(csiStorageCapacity)],
  ['storage.k8s.io/v1/storageclasses', behaviour(storageClass)],
  ['storage.k8s.io/v1/volumeattachments', behaviour(volumeAttachment)],
  ['storage.k8s.io/v1/volumeattributesclasses', behaviour(volumeAttributesClass)],
  ['v1/componentstatuses', behaviour(componentStatus)],
  ['v1/configmaps', behaviour(configMap)],
  ['v1/endpoints', behaviour(endpoints)],
  ['v1/events', behaviour(event)],
  ['v1/limitranges', behaviour(limitRange)],
  ['v1/namespaces', behaviour(namespace)],
  ['v1/nodes', behaviour(node)],
  ['v1/persistentvolumeclaims', behaviour(persistentVolumeClaim)],
  ['v1/persistentvolumes', behaviour(persistentVolume)],
  ['v1/pods', behaviour(pod)],
  ['v1/podtemplates', behaviour(podTemplate)],
  ['v1/replicationcontrollers', behaviour(replicationController)],
  ['v1/resourcequotas', behaviour(resourceQuota)],
  ['v1/secrets', behaviour(secret)],
  ['v1/serviceaccounts', behaviour(serviceAccount)],
  ['v1/services', behaviour(service)],
  ['certificates.k8s.io/v1/certificatesigningrequests', behaviour(certificateSigningRequest)],
  ['flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations', behaviour(priorityLevelConfiguration)],
  ['v1/bindings', behaviour(binding)],
  ['authorization.k8s.io/v1/subjectaccessreviews', behaviour(subjectAccessReview)],
  ['authorization.k8s.io/v1/selfsubjectaccessreviews', behaviour(selfSubjectAccessReview)],
  ['authorization.k8s.io/v1/localsubjectaccessreviews', behaviour(localSubjectAccessReview)],
]);

export { semanticallyEqual } from './equality.ts';
export type { MetadataOptions } from './metadata.ts';
export { validateMetadata, validateMetadataUpdate } from './metadata.ts';
