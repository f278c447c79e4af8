/**
 * Writes build/descriptions.json: what the fields of the API mean, as `kubectl explain` shows it, read from the comments of the npm package
 * @kubernetes/client-node. Made at set-up, never committed.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const models = join(root, 'node_modules/@kubernetes/client-node/dist/gen/models');
const types: Record<string, { fields?: Record<string, unknown> }> = JSON.parse(
  readFileSync(join(root, 'src/api/tables/types.json'), 'utf8'),
);

/** `io.k8s.api.apps.v1.Deployment` is `V1Deployment` there, `io.k8s.api.core.v1.Event` is `CoreV1Event`. */
function modelNames(type: string): string[] {
  const parts = type.split('.');
  const [group, version, kind] = parts.slice(-3) as [string, string, string];
  const upper = (text: string) => text[0]!.toUpperCase() + text.slice(1);
  return [`${upper(version)}${kind}`, `${upper(group)}${upper(version)}${kind}`];
}

const files = new Set(readdirSync(models));
const descriptions: Record<string, string> = {};
for (const [type, { fields }] of Object.entries(types)) {
  const file = modelNames(type)
    .map(name => `${name}.d.ts`)
    .find(name => files.has(name));
  if (!file) continue;
  const text = readFileSync(join(models, file), 'utf8');
  const comment = (match: RegExpExecArray | null) =>
    (match?.[1] ?? '')
      .replace(/\s*\n\s*\*\s?/g, '\n')
      .replace(/^\s*\*?\s*|\s*$/g, '')
      // Its generator escapes quotes as if comments were strings, and what would end a comment.
      .replace(/\\(["'\\])/g, '$1')
      .replace(/\*_\//g, '*/')
      .replace(/\/_\*/g, '/*')
      .trim();
  const own = comment(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export declare class/.exec(text));
  if (own) descriptions[type] = own;
  for (const field of Object.keys(fields ?? {})) {
    const name = field.replace(/^\$/, '').replaceAll('-', '_');
    const found = comment(new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\s*'_?${name}'\\??:`).exec(text));
    if (found) descriptions[`${type}.${field}`] = found;
  }
}
mkdirSync(join(root, 'build'), { recursive: true });
writeFileSync(join(root, 'build/descriptions.json'), JSON.stringify(descriptions));
process.stdout.write(`${Object.keys(descriptions).length} descriptions\n`);
