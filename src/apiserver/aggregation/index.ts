export type { Aggregation, AggregationDeps } from './aggregation.ts';
export { createAggregation } from './aggregation.ts';
export type { TrustConfig } from './authentication-config-map.ts';
export { ensureAuthenticationConfigMap } from './authentication-config-map.ts';
export type { ProxyIdentity } from './backend.ts';
export type { DiscoveryMerge } from './discovery.ts';
export { identityHeaders } from './identity-headers.ts';
export type { OpenApiMerge } from './openapi.ts';
