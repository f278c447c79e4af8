import { createMeter, createSystemClock, type Meter } from '#base';
import type { Authenticator, Authorizer } from '../../access.ts';
import { startTestApiServer, type TestAnswer, type TestServer } from '../../testing.ts';
import { createPolicyPlugins } from './policy-plugins.ts';

type Fields = Record<string, unknown>;

/** A server whose only admission is policies. */
export interface PolicySetup extends AsyncDisposable {
  readonly api: TestServer;
  /** Of the plugins. */
  readonly meter: Meter;
  /** Audit annotations of validations so far. */
  readonly notes: readonly (readonly [string, string])[];
  /** POST, as `user` (default test-admin). */
  create(path: string, body: Fields, user?: string): Promise<TestAnswer>;
  /**
   * Stores a policy, about creations and updates of config maps unless said otherwise, and its binding of the same name. Rejects when either is refused.
   */
  enforce(type: 'Validating' | 'Mutating', name: string, spec: Fields, binding?: Fields): Promise<void>;
  /** Takes both away. */
  drop(type: 'Validating' | 'Mutating', name: string): Promise<void>;
}

export const configMaps = '/api/v1/namespaces/default/configmaps';
const group = '/apis/admissionregistration.k8s.io/v1';
const rule = { apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE', 'UPDATE'] };

export function configMap(name: string, fields: Fields = {}): Fields {
  const { metadata, ...rest } = fields;
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...(metadata as Fields) }, ...rest };
}

export async function startPolicySetup(): Promise<PolicySetup> {
  await using cleanup = new AsyncDisposableStack();
  const [clock, meter] = [createSystemClock(), createMeter()];
  const notes: (readonly [string, string])[] = [];
  // Only jane may approve.
  const authorize: Authorizer = ({ user, verb }) => ({
    verdict: user.name === 'jane' && verb === 'approve' ? 'allow' : 'no-opinion',
    reason: 'she said so',
  });
  const groups = ['system:masters', 'system:authenticated'];
  const authenticate: Authenticator = async ({ headers }) => ({ name: headers['test-user'] ?? 'test-admin', groups });
  const api = cleanup.use(
    await startTestApiServer({
      extend: ({ reader, scheme }) => {
        const plugins = cleanup.use(createPolicyPlugins({ reader, scheme, clock, meter, authorize }));
        const noting = {
          ...plugins.validating,
          validate: (request: Parameters<NonNullable<typeof plugins.validating.validate>>[0]) =>
            plugins.validating.validate?.({ ...request, annotate: (key, value) => void notes.push([key, value]) }),
        };
        return { admission: [plugins.mutating, noting], authenticate };
      },
    }),
  );
  const running = cleanup.move();
  const pathOf = (type: string, name = '') => `${group}/${type.toLowerCase()}admissionpolicies${name && `/${name}`}`;
  const create: PolicySetup['create'] = (path, body, user = 'test-admin') =>
    api.call('POST', path, { body, headers: { 'test-user': user, 'content-type': 'application/json' } });
  const must = async (path: string, body: Fields) => {
    const answer = await create(path, body);
    if (answer.status !== 201) throw new Error(answer.json.message);
  };
  await must('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
  return {
    api,
    meter,
    notes,
    create,
    async enforce(type, name, spec, binding = {}) {
      const kind = `${type}AdmissionPolicy`;
      const own = type === 'Mutating' ? { reinvocationPolicy: 'Never' } : {};
      const actions = type === 'Validating' ? { validationActions: ['Deny'] } : {};
      const apiVersion = 'admissionregistration.k8s.io/v1';
      const full = { matchConstraints: { resourceRules: [rule] }, ...own, ...spec };
      await must(pathOf(type), { apiVersion, kind, metadata: { name }, spec: full });
      await must(pathOf(type).replace('policies', 'policybindings'), {
        apiVersion,
        kind: `${kind}Binding`,
        metadata: { name },
        spec: { policyName: name, ...actions, ...binding },
      });
    },
    async drop(type, name) {
      await api.call('DELETE', pathOf(type, name).replace('policies', 'policybindings'));
      await api.call('DELETE', pathOf(type, name));
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}
