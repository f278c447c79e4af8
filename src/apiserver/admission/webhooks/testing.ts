import type { KubeObject, MutatingWebhook } from '#api';
import { createMeter, createRandom, createSystemClock, type Meter } from '#base';
import { createRecordingLog } from '#base/testing';
import { createTestCertificates } from '#wire/testing';
import type { Authenticator, Authorizer } from '../../access.ts';
import { startTestApiServer, type TestServer } from '../../testing.ts';
import { type Answer, type ReceivedCall, startTestWebhook, type TestWebhook } from '../../webhook/testing.ts';
import { createWebhookPlugins } from './webhook-plugins.ts';

/** A server whose only admission is webhooks, and a webhook that tests configure it with. */
export interface WebhookSetup extends AsyncDisposable {
  readonly api: TestServer;
  readonly webhook: TestWebhook;
  /** Of the plugins. */
  readonly meter: Meter;
  /** Stores a configuration with these webhooks; what they leave out asks for creations of config maps in `/`, and has no side effects. */
  configure(
    type: 'mutating' | 'validating',
    name: string,
    ...webhooks: readonly (Partial<MutatingWebhook> & { path?: string })[]
  ): Promise<void>;
  /** The clientConfig of a path. */
  clientConfig(path?: string): { url: string; caBundle: string };
}

/** The verdict that a test's webhook gives, in a review; `uid` may be wrong on purpose. */
export function verdict(call: ReceivedCall, response: Record<string, unknown>): unknown {
  const { apiVersion, kind, request } = call.body;
  return { apiVersion, kind, response: { uid: request.uid, ...response } };
}

/** As verdict, with a JSON patch. */
export function patchVerdict(call: ReceivedCall, patch: unknown): unknown {
  const text = Buffer.from(JSON.stringify(patch)).toString('base64');
  return verdict(call, { allowed: true, patch: text, patchType: 'JSONPatch' });
}

const configMaps = { apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE'] };

export async function startWebhookSetup(answer: Answer): Promise<WebhookSetup> {
  await using cleanup = new AsyncDisposableStack();
  const { tls } = await createTestCertificates();
  const [clock, random, log, meter] = [createSystemClock(), createRandom(), createRecordingLog(), createMeter()];
  const webhook = cleanup.use(await startTestWebhook(tls, answer));
  const caBundle = Buffer.from(tls.ca).toString('base64');
  // Only jane may approve.
  const authorize: Authorizer = ({ user, verb }) => ({
    verdict: user.name === 'jane' && verb === 'approve' ? 'allow' : 'no-opinion',
    reason: '',
  });
  const groups = ['system:masters', 'system:authenticated'];
  const authenticate: Authenticator = async ({ headers }) => ({ name: headers['test-user'] ?? 'test-admin', groups });
  const api = cleanup.use(
    await startTestApiServer({
      extend: ({ reader, scheme }) => {
        const plugins = cleanup.use(createWebhookPlugins({ reader, scheme, clock, random, log, meter, authorize }));
        const reviews = { 'subjectaccessreviews.authorization.k8s.io': async (review: KubeObject) => review };
        // Streams lead nowhere: tests are about what comes before.
        const connect = async () => ({ status: 204, headers: {} });
        return { admission: [plugins.mutating, plugins.validating], connect, authenticate, reviews };
      },
    }),
  );
  const clientConfig: WebhookSetup['clientConfig'] = (path = '/') => ({ url: `${webhook.url}${path}`, caBundle });
  const running = cleanup.move();
  return {
    api,
    webhook,
    meter,
    clientConfig,
    async configure(type, name, ...webhooks) {
      const kind = type === 'mutating' ? 'MutatingWebhookConfiguration' : 'ValidatingWebhookConfiguration';
      const body = {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind,
        metadata: { name },
        webhooks: webhooks.map(({ path, ...fields }) => ({
          name: `${name}.example.com`,
          clientConfig: clientConfig(path),
          rules: [configMaps],
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          ...fields,
        })),
      };
      const resource = `${kind.toLowerCase()}s`;
      const created = await api.call('POST', `/apis/admissionregistration.k8s.io/v1/${resource}`, { body });
      if (created.status !== 201) throw new Error(created.text);
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}
