import type { FieldError } from '../kind.ts';
import type { DownwardAPIVolumeFile, KeyToPath, VolumeProjection } from '../types.ts';
import { forbidden, invalid, notSupported, required } from './field-error.ts';
import { checkLocalFile } from './file-paths.ts';
import { checkLabelSelector } from './label-selector.ts';
import { eachAt } from './paths.ts';
import { checkSignerName } from './signer-name.ts';

const shortestTokenSeconds = 600;
const longestTokenSeconds = 2 ** 32;
const conflict = 'conflicting duplicate paths';
const keyTypes: readonly string[] = ['RSA3072', 'RSA4096', 'ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519'];
const kubernetesCertificateSeconds = 24 * 3600;
const certificateSeconds = 91 * 24 * 3600;

interface Given {
  sources: readonly VolumeProjection[] | undefined;
  checkKeyToPath(errors: FieldError[], path: string, item: KeyToPath): void;
  checkDownwardFile(errors: FieldError[], path: string, file: DownwardAPIVolumeFile): void;
}

/** Several sources in one directory: no file twice. */
export function checkProjection(errors: FieldError[], path: string, given: Given): void {
  const taken = new Set<string>();
  const take = (file: string | undefined, value: unknown) => {
    if (file && taken.has(file)) errors.push(invalid(path, value, conflict));
    if (file) taken.add(file);
  };
  eachAt(`${path}.sources`, given.sources, (at, source) => {
    for (const kind of ['secret', 'configMap'] as const) {
      const projection = source[kind];
      if (!projection) continue;
      if (!projection.name) errors.push(required(`${at}.${kind}.name`));
      eachAt(`${at}.${kind}.items`, projection.items, (itemPath, item) => {
        given.checkKeyToPath(errors, itemPath, item);
        take(item.path, projection.name ?? '');
      });
    }
    for (const file of source.downwardAPI?.items ?? []) {
      given.checkDownwardFile(errors, `${at}.downwardAPI`, file);
      take(file.path, file.path);
    }
    if (source.serviceAccountToken) checkToken(errors, { path, at, token: source.serviceAccountToken });
    if (source.clusterTrustBundle) {
      checkTrustBundle(errors, `${at}.clusterTrustBundle`, source.clusterTrustBundle);
      take(source.clusterTrustBundle.path, source.clusterTrustBundle.path);
    }
    if (source.podCertificate) {
      checkCertificate(errors, `${at}.podCertificate`, source.podCertificate);
      const { credentialBundlePath, keyPath, certificateChainPath } = source.podCertificate;
      for (const file of [credentialBundlePath, keyPath, certificateChainPath]) take(file, file);
    }
    const count = Object.values(source).filter(value => value != null).length;
    if (count > 1) errors.push(forbidden(at, 'may not specify more than 1 volume type per source'));
  });
}

function checkToken(
  errors: FieldError[],
  { path, at, token }: { path: string; at: string; token: NonNullable<VolumeProjection['serviceAccountToken']> },
): void {
  const field = `${at}.serviceAccountToken.expirationSeconds`;
  const seconds = token.expirationSeconds ?? 0;
  if (seconds < shortestTokenSeconds) {
    errors.push(invalid(field, seconds, 'may not specify a duration less than 10 minutes'));
  }
  if (seconds > longestTokenSeconds) {
    errors.push(invalid(field, seconds, 'may not specify a duration larger than 2^32 seconds'));
  }
  // Upstream reports the path at the volume, not at the source.
  if (!token.path) errors.push(required(`${path}.path`));
  else checkLocalFile(errors, `${path}.path`, token.path);
}

function checkTrustBundle(
  errors: FieldError[],
  path: string,
  bundle: NonNullable<VolumeProjection['clusterTrustBundle']>,
): void {
  const { name, signerName } = bundle;
  if (name !== undefined && signerName !== undefined) {
    errors.push(invalid(path, bundle, 'only one of name and signerName may be used'));
  } else if (name !== undefined) {
    if (name === '') errors.push(required(`${path}.name`, 'must be a valid object name'));
    if (bundle.labelSelector) {
      const detail = 'labelSelector must be unset if name is specified';
      errors.push(invalid(`${path}.labelSelector`, bundle.labelSelector, detail));
    }
  } else if (signerName !== undefined) {
    if (signerName === '') errors.push(required(`${path}.signerName`, 'must be a valid signer name'));
    checkSignerName(errors, `${path}.signerName`, signerName);
    checkLabelSelector(errors, `${path}.labelSelector`, bundle.labelSelector);
  } else errors.push(required(path, 'either name or signerName must be specified'));
  if (!bundle.path) errors.push(required(`${path}.path`));
  checkLocalFile(errors, `${path}.path`, bundle.path ?? '');
}

function checkCertificate(
  errors: FieldError[],
  path: string,
  certificate: NonNullable<VolumeProjection['podCertificate']>,
): void {
  checkSignerName(errors, `${path}.signerName`, certificate.signerName);
  if (!keyTypes.includes(certificate.keyType)) {
    errors.push(notSupported(`${path}.keyType`, certificate.keyType, keyTypes));
  }
  const seconds = certificate.maxExpirationSeconds;
  const ours = certificate.signerName.split('/')[0]?.endsWith('kubernetes.io');
  const most = ours ? kubernetesCertificateSeconds : certificateSeconds;
  if (seconds !== undefined && (seconds < 3600 || seconds > most)) {
    const bound = seconds < 3600 ? '>= 3600' : `<= ${most}`;
    const detail = `if provided, maxExpirationSeconds must be ${bound}`;
    errors.push(invalid(`${path}.maxExpirationSeconds`, seconds, detail));
  }
  const files = ['credentialBundlePath', 'keyPath', 'certificateChainPath'] as const;
  for (const file of files) {
    const value = certificate[file];
    if (value) checkLocalFile(errors, `${path}.${file}`, value);
  }
  if (!files.some(file => certificate[file])) {
    errors.push(required(path, 'specify at least one of credentialBundlePath, keyPath, and certificateChainPath'));
  }
}
