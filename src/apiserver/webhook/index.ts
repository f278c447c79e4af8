export { WebhookCallError } from './call-error.ts';
export type { WebhookCall, WebhookClient, WebhookClientConfig, WebhookClientDeps } from './webhook-client.ts';
export { createWebhookClient } from './webhook-client.ts';
