export type { WebhookPlugins, WebhookPluginsOptions } from './webhook-plugins.ts';
export { createWebhookPlugins } from './webhook-plugins.ts';
