export type { DefinitionControllerDeps } from './controller.ts';
export { startDefinitionController } from './controller.ts';
export type { CallWebhook } from './converter.ts';
export type { Definitions } from './definitions.ts';
export { createDefinitions } from './definitions.ts';
export { cleanupFinalizer } from './finalize.ts';
export type { Versions } from './versions.ts';
export { createVersions } from './versions.ts';
