import type { Resource, UnknownObject } from '#api';

/** A resource as discovery tells of it. */
export interface DiscoveredResource extends Resource<UnknownObject> {
  readonly verbs: readonly string[];
}

/** What is served now. */
export interface Discovery {
  readonly resources: readonly DiscoveredResource[];
  /** `<group>/<version>` of what could not be asked just now: there may be more resources. */
  readonly stale: readonly string[];
}

/** Facts of the cluster that controllers need and cannot ask the API for. */
export interface ControllerConfig {
  /** PEM bundle that pods trust the API server by: goes into kube-root-ca.crt and into token secrets. */
  rootCa: string;
  /** Signs what a secret of type kubernetes.io/service-account-token holds; absent: such secrets stay empty and the user is told. */
  signToken?: ((token: LegacyToken) => Promise<string>) | undefined;
  /** Issues what the cluster's own signers issue; answers PEM. Absent: approved requests wait. */
  signCertificate?: ((order: CertificateOrder) => Promise<string>) | undefined;
  /** Pod ranges (CIDR text) out of which each node gets one of `nodePrefix` length; empty: nodes bring their own. */
  clusterCidrs: readonly string[];
  /** Length of a node's IPv4 range. Default 24; IPv6 is always 64, as upstream. */
  nodePrefix?: number;
  /** Finished pods that are kept at most. Default 12500 as upstream. */
  terminatedPodLimit?: number;
  /** What is served now. Default: asked of the API's discovery. */
  discover?: (() => Promise<Discovery>) | undefined;
}

export interface LegacyToken {
  namespace: string;
  serviceAccount: { name: string; uid: string };
  secret: string;
}

/** A request that its signer's rules allow. */
export interface CertificateOrder {
  /** `kubernetes.io/kube-apiserver-client`. */
  signerName: string;
  /** PKCS #10, PEM: subject, names and key go into the certificate as they are. */
  request: string;
  /** Upstream's words for what the key is for: `client auth`. */
  usages: readonly string[];
  /** How long it is good. */
  seconds: number;
}
