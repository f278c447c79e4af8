import packageJson from '../../package.json' with { type: 'json' };

/** What this program is and which Kubernetes it follows. */
export const version = {
  wherry: packageJson.version,
  kubernetes: 'v1.36.0',
} as const;
