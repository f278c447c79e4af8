/** One thing that running pods needs of a machine. */
export interface Finding {
  /** What was looked at: `overlayfs`, `port 6443/tcp`. */
  name: string;
  /** `warning`: pods run, with less than all. `missing`: they do not. */
  state: 'ok' | 'warning' | 'missing';
  /** What is there, for people. */
  found: string;
  /** What to do; always there unless `ok`. */
  remedy?: string;
}

export interface ProbePort {
  port: number;
  protocol: 'tcp' | 'udp';
  /** `Kubernetes API`. */
  purpose: string;
  /** A VXLAN device that may hold the port already: an earlier life of the asker left it. */
  device?: string;
}

export interface ProbeOptions {
  ports: readonly ProbePort[];
  /** Need not be there yet. */
  dataDir: string;
  cniBinDirs: readonly string[];
  /** Where programs are at other places than the usual folders: full paths by program name (`containerd`). */
  programs?: Readonly<Record<string, string>>;
}
