/** Bounds of devices and claims. Source: k8s.io/api/resource/v1 types.go of 1.36. */
export const maxDevices = 128;
/** Devices of a slice of which one has taints, or consumes counters. */
export const maxAdvancedDevices = 64;
export const maxCounterSets = 8;
export const maxCounters = 32;
export const maxCounterConsumptions = 2;
export const maxAttributesAndCapacities = 32;
export const maxAttributeValues = 48;
export const maxTaints = 16;
export const maxBindingConditions = 4;
/** Requests, constraints, configurations, selectors and results of a claim. */
export const maxListItems = 32;
export const maxAlternatives = 8;
export const maxConsumers = 256;
export const maxStatusConditions = 8;
export const maxValidValues = 10;
export const maxAddresses = 16;
/** Bytes. */
export const maxPoolName = 253;
export const maxIdentifier = 32;
export const maxAttributeText = 64;
export const maxParameters = 10 * 1024;
export const maxExpression = 10 * 1024;
export const maxInterfaceName = 256;
export const maxHardwareAddress = 128;
/** Of a selector, as the CEL library counts. */
export const maxSelectorCost = 1_000_000;
