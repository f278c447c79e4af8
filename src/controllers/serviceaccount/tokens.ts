import type { Secret, ServiceAccount } from '#api';
import { resources } from '#api';
import type { Running } from '#base';
import { isNotFound, refOf } from '#client';
import type { ControllerDeps } from '../controller.ts';
import { startLoop } from '../loop.ts';
import { refOfKey } from '../owners.ts';

const { secrets, serviceaccounts } = resources;
const tokenType = 'kubernetes.io/service-account-token';
const nameAnnotation = 'kubernetes.io/service-account.name';
const uidAnnotation = 'kubernetes.io/service-account.uid';

/** After upstream's TokensController. */
export async function startTokens(deps: ControllerDeps): Promise<Running> {
  const { informers, client } = deps;
  const accountOf = (secret: Secret) => `${secret.metadata.namespace}/${secret.metadata.annotations?.[nameAnnotation]}`;
  const accounts = informers.of(serviceaccounts);
  const tokens = informers.of(secrets, {
    fieldSelector: `type=${tokenType}`,
    indexes: { account: secret => [accountOf(secret)] },
  });
  const sync = async (key: string) => {
    const ref = refOfKey(key);
    const secret = tokens.get(ref.namespace, ref.name);
    const name = secret?.metadata.annotations?.[nameAnnotation];
    if (!secret || secret.type !== tokenType || !name || secret.metadata.deletionTimestamp) return;
    const account = accounts.get(ref.namespace, name) ?? (await readAccount(deps, ref.namespace, name));
    if (!account || isForeign(secret, account)) return removeSecret(deps, secret);
    const filled = await fillSecret(deps, secret, account);
    if (filled) await client.update(secrets, filled);
  };
  const loop = startLoop(deps, { name: 'serviceaccount-token', informers: [accounts, tokens], sync });
  loop.on(tokens, ({ object, type }) =>
    type === 'deleted' ? [] : [`${object.metadata.namespace}/${object.metadata.name}`],
  );
  loop.on(accounts, ({ object }) =>
    tokens
      .byIndex('account', `${object.metadata.namespace}/${object.metadata.name}`)
      .map(secret => `${secret.metadata.namespace}/${secret.metadata.name}`),
  );
  return loop;
}

/** Asks the server itself: a secret is removed only when its account is really gone. */
async function readAccount(
  { client }: ControllerDeps,
  namespace: string,
  name: string,
): Promise<ServiceAccount | undefined> {
  try {
    return await client.get(serviceaccounts, { namespace, name });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function isForeign(secret: Secret, account: ServiceAccount): boolean {
  const uid = secret.metadata.annotations?.[uidAnnotation];
  return uid !== undefined && uid !== '' && uid !== account.metadata.uid;
}

async function removeSecret({ client }: ControllerDeps, secret: Secret): Promise<void> {
  const { uid, resourceVersion } = secret.metadata;
  try {
    await client.delete(secrets, refOf(secret), { preconditions: { uid, resourceVersion } });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** The secret with what is missing; undefined when all is there. */
async function fillSecret(
  { config, events }: ControllerDeps,
  secret: Secret,
  account: ServiceAccount,
): Promise<Secret | undefined> {
  const { namespace = '', name, annotations } = secret.metadata;
  const { data = {} } = secret;
  const wanted = { 'ca.crt': base64(config.rootCa), namespace: base64(namespace) };
  const complete =
    data['token'] &&
    Object.entries(wanted).every(([key, value]) => data[key] === value) &&
    annotations?.[uidAnnotation] === account.metadata.uid;
  if (complete) return undefined;
  if (!config.signToken) {
    const message = 'this cluster signs no long-lived tokens; use kubectl create token';
    events.record(secret, { type: 'Warning', reason: 'TokenNotSigned', message });
    return undefined;
  }
  const serviceAccount = { name: account.metadata.name, uid: account.metadata.uid ?? '' };
  const token = data['token'] || base64(await config.signToken({ namespace, serviceAccount, secret: name }));
  return {
    ...secret,
    metadata: { ...secret.metadata, annotations: { ...annotations, [uidAnnotation]: account.metadata.uid ?? '' } },
    data: { ...data, ...wanted, token },
  };
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
