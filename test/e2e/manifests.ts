/** The objects of manifests/: one smallest valid object of every kind that can be created and kept. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; annotations?: Record<string, string>; resourceVersion?: string };
  [field: string]: unknown;
}

export function readManifests(folder = join(import.meta.dirname, 'manifests')): Manifest[] {
  return readdirSync(folder)
    .filter(name => name.endsWith('.yaml'))
    .sort()
    .flatMap(name => parseManifests(readFileSync(join(folder, name), 'utf8')));
}

export function parseManifests(yaml: string): Manifest[] {
  return parseAllDocuments(yaml)
    .map(document => document.toJS() as Manifest | null)
    .filter(manifest => manifest !== null);
}
