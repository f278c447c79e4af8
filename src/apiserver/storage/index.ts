export type { EncryptedStore } from './encrypted-store.ts';
export { encryptStore } from './encrypted-store.ts';
export type { Encryption, EncryptionOptions } from './encryption.ts';
export { createEncryption } from './encryption.ts';
export type { EncryptionRule } from './encryption-config.ts';
export { parseEncryptionConfig } from './encryption-config.ts';
export { createResourceOf, registryPrefix } from './keys.ts';
export type { ProviderName } from './providers.ts';
export { keySizesOf, providerNames } from './providers.ts';
