import type { Manifest } from '../manifests.ts';

/** What is tried with one custom resource once its definition is established. */
export interface Sample {
  manifest: Manifest;
  /** It must not be made, and this is in what is said. */
  refused?: RegExp;
  /** It is made, with this warning. */
  warned?: RegExp;
  /** Fields that it has although nobody wrote them. */
  defaulted?: object;
  /** Merge patches that follow, and what is said when one is refused. */
  patches?: readonly { patch: object; refused?: RegExp }[];
  /** `kubectl scale --replicas=4` writes there. */
  scaled?: readonly string[];
  /** What `kubectl get` says of it, besides its name. */
  row?: RegExp;
  /** A field selector that finds it. */
  selector?: string;
}

/** An operator's installation: invented, but of the shape and size that the named one's has. */
export interface Platform {
  name: string;
  /** The public project whose manifests it resembles. */
  like: string;
  /** Everything, in the order of the file; namespaces and groups end in `suffix`, so that two can be there at once. */
  manifests(suffix: string): Manifest[];
  samples(suffix: string): Sample[];
  /** What `kubectl explain` is asked, and what its answer holds. */
  explain: readonly { path: string; says: RegExp }[];
}
