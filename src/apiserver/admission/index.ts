export type { Admission, AdmissionOptions } from './plugins.ts';
export { createAdmission } from './plugins.ts';
