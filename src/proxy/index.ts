export type { ProxyConfig, ProxyDeps } from './config.ts';
export { removeProxy } from './remove-proxy.ts';
export { startProxy } from './start-proxy.ts';
