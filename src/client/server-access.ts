/** Where an API server is and how to prove who we are to it: what a kubeconfig or a pod's environment comes down to. */
export interface ServerAccess {
  /** `https://host:port`, with an optional path prefix. */
  server: string;
  /** PEM bundle of authorities that the server's certificate may come from; absent: the system's. */
  ca?: string | undefined;
  /** PEM client certificate and its key. */
  cert?: string | undefined;
  key?: string | undefined;
  /** Bearer token; a token file wins over it. */
  token?: string | undefined;
  /** File with the bearer token; read again every minute, as bound tokens are renewed in place. */
  tokenFile?: string | undefined;
  /** Name that the server's certificate must carry instead of the host in `server`. */
  tlsServerName?: string | undefined;
  /** Accept any server certificate. Only for looking at broken clusters. */
  insecure?: boolean | undefined;
  /** The namespace that commands act in unless told. */
  namespace?: string | undefined;
}
