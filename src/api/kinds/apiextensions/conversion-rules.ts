import { X509Certificate } from 'node:crypto';
import type { FieldError } from '../../kind.ts';
import type { ConversionWebhookClientConfig, CustomResourceDefinitionSpec } from '../../types.ts';
import { forbidden, invalid, notSupported, required } from '../field-error.ts';
import { checkLabel1035 } from '../name-rules.ts';
import { checkWebhookService, checkWebhookUrl } from '../webhook-client.ts';

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
  } else if (url !== undefined) checkWebhookUrl(errors, `${path}.url`, url);
  else if (service) checkWebhookService(errors, `${path}.service`, service);
  if (!caBundle || options.mayHaveInvalidBundle || isValidBundle(caBundle)) return;
  const detail = 'unable to load root certificates: data does not contain any valid RSA or ECDSA certificates';
  errors.push(invalid(`${path}.caBundle`, caBundle, detail));
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
