export type { ControllerConfig, DiscoveredResource, LegacyToken } from './config.ts';
export type { AnyResource, ControllerDeps, ControllerSpec, ControllerWrite } from './controller.ts';
export { formatControllerGraph, rbacRuleOf, startController, userOf } from './controller.ts';
export { controllers } from './controllers.ts';
export type { ControllersOptions } from './start-controllers.ts';
export { startControllers } from './start-controllers.ts';
