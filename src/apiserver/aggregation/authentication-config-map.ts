import type { ConfigMap } from '#api';
import { resources } from '#api';
import { type BootstrapWriter, ensureObject } from '../access/bootstrap-writer.ts';
import { identityHeaders } from './identity-headers.ts';

/** What servers behind this one must know to trust it. */
export interface TrustConfig {
  /** PEM of the authorities of client certificates. */
  readonly clientCa: string;
  /** PEM of the authority of the front proxy's certificate, and the common names that it may have. */
  readonly requestHeaderCa: string;
  readonly allowedNames: readonly string[];
}

/**
 * Writes ConfigMap kube-system/extension-apiserver-authentication, from which extension API servers read whose certificates and headers to believe. Brought up
 * to date at every start; what others added to it stays.
 */
export async function ensureAuthenticationConfigMap(writer: BootstrapWriter, trust: TrustConfig): Promise<void> {
  const data: Record<string, string> = {
    'client-ca-file': trust.clientCa,
    'requestheader-allowed-names': JSON.stringify(trust.allowedNames),
    'requestheader-client-ca-file': trust.requestHeaderCa,
    'requestheader-extra-headers-prefix': JSON.stringify([identityHeaders.extraPrefix]),
    'requestheader-group-headers': JSON.stringify([identityHeaders.group]),
    'requestheader-uid-headers': JSON.stringify([identityHeaders.uid]),
    'requestheader-username-headers': JSON.stringify([identityHeaders.user]),
  };
  const object: ConfigMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'extension-apiserver-authentication', namespace: 'kube-system' },
    data,
  };
  await ensureObject(writer, {
    resource: resources.configmaps,
    object,
    merge(present) {
      const isRight = Object.entries(data).every(([key, value]) => present.data?.[key] === value);
      return isRight ? undefined : { ...present, data: { ...present.data, ...data } };
    },
  });
}
