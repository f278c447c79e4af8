import { createHash, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname, join } from 'node:path';
import type { Clock, Random } from '#base';
import type { KeyPair, LeafRequest } from './certificate-authority.ts';

/** A certificate that this machine keeps in a folder and renews at start. */
export interface CertificateSpec {
  /** File name without ending: `<name>.crt`, `<name>.key`. */
  readonly name: string;
  /** Which authority signs it. */
  readonly authority: AuthorityName;
  readonly request: LeafRequest;
}

export type AuthorityName = 'server-ca' | 'client-ca' | 'request-header-ca';
export const authorityNames: readonly AuthorityName[] = ['server-ca', 'client-ca', 'request-header-ca'];

/** Leaves are renewed at start when fewer days than this are left (as K3s). */
export const renewDays = 120;
const dayMs = 24 * 60 * 60 * 1000;

export interface CertificateDeps {
  clock: Clock;
  random: Random;
}

/** A folder that holds certificates and keys; keys are 0600, the folder 0700. */
export interface CertificateFolder {
  readonly path: string;
  /** Makes authorities that are missing. */
  ensureAuthorities(): Promise<void>;
  /** Gives the certificate, made or renewed when it is missing, soon to expire, from another authority, or for other names. */
  ensure(spec: CertificateSpec): Promise<KeyPair>;
  authority(name: AuthorityName): KeyPair;
  /** Every certificate in the folder by file name without ending, with its last day. */
  expiries(names: readonly string[]): { name: string; notAfter: Date; daysLeft: number }[];
}

export function openCertificateFolder(path: string, deps: CertificateDeps): CertificateFolder {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const authority = (name: AuthorityName) => readPair(path, name)!;
  const sign = async (spec: CertificateSpec) => {
    const { signLeaf } = await import('./certificate-authority.ts');
    const pair = await signLeaf(authority(spec.authority), spec.request, {
      nowMs: deps.clock.now(),
      random: deps.random,
    });
    writePair(path, spec.name, pair);
    return pair;
  };
  return {
    path,
    authority,
    async ensureAuthorities() {
      for (const name of authorityNames) {
        if (readPair(path, name)) continue;
        const { createAuthority } = await import('./certificate-authority.ts');
        const nowMs = deps.clock.now();
        const commonName = `wherry-${name}@${Math.floor(nowMs / 1000)}`;
        writePair(path, name, await createAuthority({ commonName, nowMs, random: deps.random }));
      }
    },
    async ensure(spec) {
      const present = readPair(path, spec.name);
      if (present && isFresh(present, spec, authority(spec.authority), deps.clock.now())) return present;
      return sign(spec);
    },
    expiries(names) {
      return names
        .filter(name => existsSync(join(path, `${name}.crt`)))
        .map(name => {
          const notAfter = new Date(new X509Certificate(readFileSync(join(path, `${name}.crt`))).validTo);
          return { name, notAfter, daysLeft: Math.floor((notAfter.getTime() - deps.clock.now()) / dayMs) };
        });
    },
  };
}

/** SHA-256 of an authority's certificate file, as join tokens carry it (K3s: `K10<hash>::...`). */
export function authorityHash(certificatePem: string): string {
  return createHash('sha256').update(certificatePem).digest('hex');
}

function isFresh(pair: KeyPair, spec: CertificateSpec, authority: KeyPair, nowMs: number): boolean {
  const leaf = new X509Certificate(pair.certificate);
  if (Date.parse(leaf.validTo) - nowMs < renewDays * dayMs) return false;
  if (!leaf.checkIssued(new X509Certificate(authority.certificate))) return false;
  // Asked of the certificate: an IPv6 address has many spellings.
  return (spec.request.names ?? []).every(name => (isIP(name) ? leaf.checkIP(name) : leaf.checkHost(name)));
}

function readPair(folder: string, name: string): KeyPair | undefined {
  const [certificate, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  if (!existsSync(certificate) || !existsSync(key)) return undefined;
  return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
}

/** The key first: a certificate without its key is made again at the next start. */
function writePair(folder: string, name: string, pair: KeyPair): void {
  if (pair.key) writeFileAtomic(join(folder, `${name}.key`), pair.key, 0o600);
  writeFileAtomic(join(folder, `${name}.crt`), pair.certificate, 0o600);
}

/** Whole or not at all, also after a power cut in between. */
export function writeFileAtomic(path: string, content: string | Uint8Array, mode: number): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.new`;
  writeFileSync(temporary, content, { mode, flush: true });
  renameSync(temporary, path);
}
