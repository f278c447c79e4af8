import type { AdmissionPlugin } from '../admission.ts';

/** Kinds that configure admission from outside, which this version stores and does not act on. */
const unenforced: Readonly<Record<string, string>> = {
  validatingwebhookconfigurations:
    'this version of Wherry does not call admission webhooks yet: nothing will be validated by it',
  mutatingwebhookconfigurations:
    'this version of Wherry does not call admission webhooks yet: nothing will be changed by it',
  validatingadmissionpolicies:
    'this version of Wherry does not evaluate admission policies yet: nothing will be validated by it',
  validatingadmissionpolicybindings:
    'this version of Wherry does not evaluate admission policies yet: nothing will be validated by it',
  mutatingadmissionpolicies:
    'this version of Wherry does not evaluate admission policies yet: nothing will be changed by it',
  mutatingadmissionpolicybindings:
    'this version of Wherry does not evaluate admission policies yet: nothing will be changed by it',
};

/** Stands where webhooks and policies will be: says aloud, in a warning, that what is configured has no effect. */
export function createUnenforcedConfigurationWarning(): AdmissionPlugin {
  return {
    name: 'UnenforcedConfigurationWarning',
    validate(request) {
      if (request.kind.group !== 'admissionregistration.k8s.io') return;
      const text = unenforced[request.kind.resource];
      const isWrite = request.operation === 'CREATE' || request.operation === 'UPDATE';
      if (text && isWrite) request.warn(`${request.kind.kind}: ${text}`);
    },
  };
}
