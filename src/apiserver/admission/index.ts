export type { AdmissionConfiguration } from './configuration.ts';
export { readAdmissionConfiguration } from './configuration.ts';
export type { Admission, AdmissionOptions } from './plugins.ts';
export { createAdmission } from './plugins.ts';
