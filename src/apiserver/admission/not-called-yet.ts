import type { AdmissionPlugin } from '../admission.ts';

/** Resources that this version stores and does not act on, by `resource.group`, and what of them does not happen. */
const unenforced: Readonly<Record<string, string>> = {
  'networkpolicies.networking.k8s.io':
    'this version of Wherry does not enforce network policies yet: no traffic will be held back by it',
  'ingresses.networking.k8s.io':
    'this version of Wherry has no gateway yet: nothing will be routed by it unless a controller of your own does it',
  'horizontalpodautoscalers.autoscaling':
    'this version of Wherry has no metrics and no autoscaler yet: nothing will be scaled by it',
  'persistentvolumeclaims.':
    'this version of Wherry binds no volumes yet: the claim stays Pending unless a controller of your own binds it',
};

/** Stands where these features will be: says aloud, in a warning, that what is configured has no effect. */
export function createUnenforcedConfigurationWarning(): AdmissionPlugin {
  return {
    name: 'UnenforcedConfigurationWarning',
    validate(request) {
      const isWrite = request.operation === 'CREATE' || request.operation === 'UPDATE';
      if (!isWrite || request.subresource) return;
      const { resource, group, kind } = request.kind;
      const text = unenforced[`${resource}.${group}`];
      if (text) request.warn(`${kind}: ${text}`);
    },
  };
}
