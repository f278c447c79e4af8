import { X509Certificate } from 'node:crypto';
import type { FieldError } from '../../kind.ts';
import type { ConversionWebhookClientConfig, CustomResourceDefinitionSpec } from '../../types.ts';
import { forbidden, invalid, notSupported, required } from '../field-error.ts';
import { checkLabel1035, checkSubdomain } from '../name-rules.ts';

const strategies: readonly string[] = ['None', 'Webhook'];
const reviewVersions: readonly string[] = ['v1', 'v1beta1'];

export interface ConversionOptions {
  /** Nobody relies on it yet, or it was wrong before. */
  readonly mayHaveInvalidBundle: boolean;
  readonly mustKnowVersion: boolean;
}

type Conversion = NonNullable<CustomResourceDefinitionSpec['conversion']>;

/** How objects get from one version to another. Paths are those of upstream's internal type. */
export function checkConversion(
  errors: FieldError[],
  conversion: Conversion | undefined,
  options: ConversionOptions,
): void {
  if (!conversion) return;
  const path = 'spec.conversion';
  const { strategy, webhook } = conversion;
  if (!strategy) errors.push(required(`${path}.strategy`));
  else if (!strategies.includes(strategy)) errors.push(notSupported(`${path}.strategy`, strategy, strategies));
  const client = webhook?.clientConfig;
  if (strategy !== 'Webhook') {
    const detail = 'should not be set when strategy is not set to Webhook';
    if (client) errors.push(forbidden(`${path}.webhookClientConfig`, detail));
    if (webhook?.conversionReviewVersions?.length) errors.push(forbidden(`${path}.conversionReviewVersions`, detail));
    return;
  }
  if (client) checkClient(errors, `${path}.webhookClientConfig`, { client, options });
  else errors.push(required(`${path}.webhookClientConfig`, 'required when strategy is set to Webhook'));
  checkReviewVersions(errors, `${path}.conversionReviewVersions`, {
    versions: webhook?.conversionReviewVersions ?? [],
    mustKnowVersion: options.mustKnowVersion,
  });
}

function checkClient(
  errors: FieldError[],
  path: string,
  { client, options }: { client: ConversionWebhookClientConfig; options: ConversionOptions },
): void {
  const { url, service, caBundle } = client;
  if ((url === undefined) === (service === undefined)) {
    errors.push(required(path, 'exactly one of url or service is required'));
  } else if (url !== undefined) checkUrl(errors, `${path}.url`, url);
  else if (service) checkService(errors, `${path}.service`, service);
  if (!caBundle || options.mayHaveInvalidBundle || isValidBundle(caBundle)) return;
  const detail = 'unable to load root certificates: data does not contain any valid RSA or ECDSA certificates';
  errors.push(invalid(`${path}.caBundle`, caBundle, detail));
}

function checkUrl(errors: FieldError[], field: string, text: string): void {
  const form = '; desired format: https://host[/path]';
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url) {
    errors.push(required(field, `url must be a valid URL${form}`));
    return;
  }
  const scheme = url.protocol.slice(0, -1);
  if (scheme !== 'https') errors.push(invalid(field, scheme, `'https' is the only allowed URL scheme${form}`));
  if (!url.host) errors.push(invalid(field, '', `host must be specified${form}`));
  if (url.username || url.password) {
    errors.push(invalid(field, url.username, 'user information is not permitted in the URL'));
  }
  if (url.hash) errors.push(invalid(field, url.hash.slice(1), 'fragments are not permitted in the URL'));
  if (url.search) errors.push(invalid(field, url.search.slice(1), 'query parameters are not permitted in the URL'));
}

function checkService(
  errors: FieldError[],
  path: string,
  { name, namespace, path: urlPath, port = 443 }: NonNullable<ConversionWebhookClientConfig['service']>,
): void {
  if (!name) errors.push(required(`${path}.name`, 'service name is required'));
  if (!namespace) errors.push(required(`${path}.namespace`, 'service namespace is required'));
  if (port < 1 || port > 65535) {
    errors.push(invalid(`${path}.port`, port, 'port is not valid: must be between 1 and 65535, inclusive'));
  }
  if (urlPath !== undefined) checkUrlPath(errors, `${path}.path`, urlPath);
}

function checkUrlPath(errors: FieldError[], field: string, path: string): void {
  if (path === '/' || path === '') return;
  if (path === '//') {
    errors.push(invalid(field, path, 'segment[0] may not be empty'));
    return;
  }
  if (!path.startsWith('/')) errors.push(invalid(field, path, "must start with a '/'"));
  const steps = path.slice(1, path.endsWith('/') ? -1 : undefined).split('/');
  steps.forEach((step, index) => {
    if (step === '') errors.push(invalid(field, path, `segment[${index}] may not be empty`));
    else for (const text of checkSubdomain(step)) errors.push(invalid(field, path, `segment[${index}]: ${text}`));
  });
}

/** PEM, base64 once more, with at least one certificate and none that cannot be read. */
export function isValidBundle(bundle: string): boolean {
  const pem = Buffer.from(bundle, 'base64').toString('latin1');
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  return blocks.length > 0 && blocks.every(isCertificate);
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    // The only way to ask.
    return false;
  }
}

function checkReviewVersions(
  errors: FieldError[],
  path: string,
  { versions, mustKnowVersion }: { versions: readonly string[]; mustKnowVersion: boolean },
): void {
  if (versions.length === 0) {
    errors.push(required(path));
    return;
  }
  const seen = new Set<string>();
  versions.forEach((version, index) => {
    if (seen.has(version)) errors.push(invalid(`${path}[${index}]`, version, 'duplicate version'));
    else for (const text of checkLabel1035(version)) errors.push(invalid(`${path}[${index}]`, version, text));
    seen.add(version);
  });
  if (mustKnowVersion && !hasKnownVersion(versions)) {
    errors.push(invalid(path, versions, `must include at least one of ${reviewVersions.join(', ')}`));
  }
}

export function hasKnownVersion(versions: readonly string[]): boolean {
  return versions.some(version => reviewVersions.includes(version));
}
