export type { PolicyPlugins, PolicyPluginsOptions } from './policy-plugins.ts';
export { createPolicyPlugins } from './policy-plugins.ts';
