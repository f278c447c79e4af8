import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { access, openid } from '#apiserver';
import type { Clock, Log, Random } from '#base';
import { loadKubeconfig } from '#client';
import type { Config } from './config-table.ts';
import { followFile } from './follow-file.ts';
import { StartError } from './start-error.ts';

/** What the operator's files say about who may come in and what they may do. */
export interface AccessSettings extends Disposable {
  /** Tokens that other servers know, asked after this server's own kinds. `audiences` are those of this server. */
  tokens(audiences: readonly string[]): access.TokenAuthenticator;
  /** Where nobody has to say who he is; undefined: not said. */
  anonymousPaths(): readonly string[] | undefined;
  /** The authorizers in their order; undefined: the usual one. */
  readonly order: (() => access.AuthorizerOrder) | undefined;
}

type Keys =
  | 'authentication-config'
  | 'authentication-token-webhook-config-file'
  | 'authentication-token-webhook-cache-ttl'
  | 'authorization-config';

interface Deps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The issuer of service-account tokens, which no provider may have. */
  readonly ownIssuer: string;
}

/** Undefined when no such file is named. Throws DocumentError or StartError naming file and field. Changed files are taken over; wrong ones are not. */
export function openAccess(config: Pick<Config, Keys>, deps: Deps): AccessSettings | undefined {
  const authenticationFile = config['authentication-config'];
  const webhookFile = config['authentication-token-webhook-config-file'];
  const authorizationFile = config['authorization-config'];
  if (!authenticationFile && !webhookFile && !authorizationFile) return undefined;
  using stack = new DisposableStack();
  const servers = stack.use(access.createReviewServers(deps));
  const authentication =
    authenticationFile &&
    stack.use(
      followFile(authenticationFile, deps, text =>
        openid.parseAuthenticationConfig(authenticationFile, text, { ownIssuer: deps.ownIssuer }),
      ),
    );
  const authorizers =
    authorizationFile &&
    stack.use(
      followFile(authorizationFile, deps, text =>
        access.parseAuthorizationConfig(authorizationFile, text).map(spec => toAuthorizer(spec, servers, deps)),
      ),
    );
  const askTokens = webhookFile ? servers.open(readServer(webhookFile)) : undefined;
  const cacheMs = parseDuration(
    'authentication-token-webhook-cache-ttl',
    config['authentication-token-webhook-cache-ttl'],
  );
  const moved = stack.move();
  return {
    tokens(audiences) {
      const openIdOf = memo((file: openid.AuthenticationConfig) =>
        openid.createOpenIdTokens({ issuers: file.issuers, audiences, clock: deps.clock }),
      );
      const webhook = askTokens && access.createTokenWebhook({ ask: askTokens, audiences, cacheMs, clock: deps.clock });
      return async (token, wanted) =>
        (authentication && (await openIdOf(authentication.value())(token, wanted))) || webhook?.(token, wanted);
    },
    anonymousPaths() {
      const anonymous = authentication ? authentication.value().anonymous : undefined;
      if (!anonymous) return undefined;
      return anonymous.enabled ? (anonymous.paths ?? ['/*']) : [];
    },
    order: authorizers ? () => authorizers.value() : undefined,
    [Symbol.dispose]: () => moved.dispose(),
  };
}

function toAuthorizer(
  spec: access.AuthorizerSpec,
  servers: access.ReviewServers,
  { clock, log }: Deps,
): access.AuthorizerOrder[number] {
  if (spec.type !== 'Webhook') return spec.type;
  const ask = servers.open(readServer(spec.webhook.kubeconfigFile));
  return access.createWebhookAuthorizer({ ...spec.webhook, name: spec.name, ask }, { clock, log });
}

function readServer(file: string): access.ReviewServer {
  try {
    const found = loadKubeconfig(readFileSync(file, 'utf8'), { directory: dirname(file) });
    const token = found.tokenFile ? readFileSync(found.tokenFile, 'utf8').trim() : found.token;
    return { url: found.server, ...found, token, serverName: found.tlsServerName };
  } catch (cause) {
    throw new StartError(`${file}: is no kubeconfig of a webhook: ${(cause as Error).message}`, { cause });
  }
}

/** Remembers the last answer: a file that changed makes a new one. */
function memo<K extends object, V>(make: (key: K) => V): (key: K) => V {
  let last: { key: K; value: V } | undefined;
  return key => {
    if (last?.key !== key) last = { key, value: make(key) };
    return last.value;
  };
}

const unitsMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

function parseDuration(option: string, text: string): number {
  if (!/^(\d+[smh])+$/.test(text))
    throw new StartError(`${option}: ${JSON.stringify(text)} is no duration, write 2m or 30s`);
  return [...text.matchAll(/(\d+)([smh])/g)].reduce((sum, [, count, unit]) => sum + Number(count) * unitsMs[unit!]!, 0);
}
