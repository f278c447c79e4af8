export type { OverlayConfig, OverlayDeps } from './config.ts';
export { conflistName, tableName, tunnelDevice } from './config.ts';
export { removeOverlay } from './remove-overlay.ts';
export { startOverlay } from './start-overlay.ts';
