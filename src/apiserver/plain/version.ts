/** What GET /version tells. `gitVersion` is `v1.36.0+wherry...`. */
export interface VersionInfo {
  readonly gitVersion: string;
  readonly gitCommit: string;
  /** RFC 3339. */
  readonly buildDate: string;
}

/** Kubernetes' minor version that is served. */
export const servedMinor = '36';

/** Upstream's version.Info; the Go fields name what stands in their place, because clients expect them to be there. */
export function describeVersion(version: VersionInfo, platform: string): Record<string, string> {
  return {
    major: '1',
    minor: servedMinor,
    emulationMajor: '1',
    emulationMinor: servedMinor,
    minCompatibilityMajor: '1',
    minCompatibilityMinor: '35',
    gitVersion: version.gitVersion,
    gitCommit: version.gitCommit,
    gitTreeState: 'clean',
    buildDate: version.buildDate,
    goVersion: 'none',
    compiler: 'node',
    platform,
  };
}
