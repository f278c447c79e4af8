export type { KubernetesServiceOptions } from './kubernetes-service.ts';
export { ensureKubernetesService, kubernetesServiceAddress } from './kubernetes-service.ts';
export type { ServiceAddressesOptions } from './service-addresses.ts';
export { startServiceAddresses } from './service-addresses.ts';
export type { AllocationProblem, ServiceAllocator, ServiceAllocatorOptions } from './service-allocator.ts';
export { createServiceAllocator } from './service-allocator.ts';
