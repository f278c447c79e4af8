import { isDeepStrictEqual } from 'node:util';
import { resources } from '#api';
import type { ControllerSpec } from '../controller.ts';
import { startLoop } from '../loop.ts';
import { createKinds } from './kinds.ts';
import { checkTypes } from './plan.ts';

const { validatingadmissionpolicies } = resources;

/**
 * Says in the status of validating policies where their expressions do not fit the types of what they are about. A policy works all the same. Checked anew at every
 * change of the policy, so that touching it is enough after the kind has changed.
 */
export const validatingAdmissionPolicyStatus: ControllerSpec = {
  name: 'validatingadmissionpolicy-status-controller',
  serviceAccount: 'validatingadmissionpolicy-status-controller',
  reads: [validatingadmissionpolicies],
  asks: ['/api/', '/apis/', '/openapi/'],
  writes: [{ resource: validatingadmissionpolicies, verbs: ['update'], subresources: ['status'] }],
  async start(deps) {
    const policies = deps.informers.of(validatingadmissionpolicies);
    const kinds = createKinds(deps.client);
    const sync = async (key: string) => {
      const policy = policies.get(undefined, key);
      if (!policy || policy.metadata.deletionTimestamp) return;
      const warnings = await checkTypes(policy, kinds);
      const typeChecking = warnings.length > 0 ? { expressionWarnings: warnings } : {};
      const observedGeneration = policy.metadata.generation;
      const { status } = policy;
      const isSame = isDeepStrictEqual(plain(status?.typeChecking), plain(typeChecking));
      if (isSame && status?.observedGeneration === observedGeneration) return;
      const written = { ...policy, status: { ...status, observedGeneration, typeChecking } };
      await deps.client.update(validatingadmissionpolicies, written, { subresource: 'status' });
    };
    const loop = startLoop(deps, { name: 'validatingadmissionpolicy-status', informers: [policies], sync });
    loop.on(policies, ({ type, object }) => (type === 'deleted' ? [] : [object.metadata.name]));
    return loop;
  },
};

/** Without what is undefined. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
