import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { type Der, readDer } from './der.ts';
import { pemBlocks } from './pem.ts';

const sequence = 0x30;
const bitString = 0x03;

interface Algorithm {
  readonly key: 'rsa' | 'ec' | 'ed25519';
  readonly hash?: string;
  readonly isPss?: boolean;
}

/** Signature algorithms by the hexadecimal of their object identifiers. */
const algorithms: Readonly<Record<string, Algorithm>> = {
  '2a864886f70d010105': { key: 'rsa', hash: 'sha1' },
  '2a864886f70d01010b': { key: 'rsa', hash: 'sha256' },
  '2a864886f70d01010c': { key: 'rsa', hash: 'sha384' },
  '2a864886f70d01010d': { key: 'rsa', hash: 'sha512' },
  '2a864886f70d01010a': { key: 'rsa', isPss: true },
  '2a8648ce3d0401': { key: 'ec', hash: 'sha1' },
  '2a8648ce3d040302': { key: 'ec', hash: 'sha256' },
  '2a8648ce3d040303': { key: 'ec', hash: 'sha384' },
  '2a8648ce3d040304': { key: 'ec', hash: 'sha512' },
  '2b6570': { key: 'ed25519' },
};

/** The hashes that the parameters of RSA-PSS name. */
const pssHashes: Readonly<Record<string, string>> = {
  '608648016503040201': 'sha256',
  '608648016503040202': 'sha384',
  '608648016503040203': 'sha512',
};

const failures = {
  rsa: 'crypto/rsa: verification error',
  ec: 'x509: ECDSA verification failure',
  ed25519: 'x509: Ed25519 verification failure',
} as const;

const keyNames = { rsa: 'an RSA', ec: 'an ECDSA', ed25519: 'an Ed25519' } as const;
const goTypes: Readonly<Record<string, string>> = {
  rsa: '*rsa.PublicKey',
  'rsa-pss': '*rsa.PublicKey',
  ec: '*ecdsa.PublicKey',
  ed25519: 'ed25519.PublicKey',
};

/** What is wrong with a request for a certificate (PEM of PKCS #10), or with its proof that who asks has the key. Source: certificates ParseCSR. */
export function requestMistake(pem: string): string | undefined {
  const [block] = pemBlocks(pem);
  if (block?.type !== 'CERTIFICATE REQUEST') return 'PEM block type must be CERTIFICATE REQUEST';
  try {
    return proofMistake(block.bytes);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function proofMistake(bytes: Buffer): string | undefined {
  const [outer, ...rest] = readDer(bytes);
  if (rest.length > 0) return 'asn1: syntax error: trailing data';
  const [info, algorithm, signature] = partsOf(outer, 3);
  const [, , publicKey] = partsOf(info, 3);
  const [identifier, parameters] = partsOf(algorithm, 1);
  if (publicKey?.tag !== sequence || signature?.tag !== bitString) throw malformed();
  const known = algorithmOf(identifier!, parameters);
  if (!known) return 'x509: cannot verify signature: algorithm unimplemented';
  const key = keyOf(publicKey.whole);
  const type = key.asymmetricKeyType === 'rsa-pss' ? 'rsa' : key.asymmetricKeyType;
  if (type !== known.key) {
    const given = goTypes[key.asymmetricKeyType ?? ''] ?? 'unknown';
    return `x509: signature algorithm specifies ${keyNames[known.key]} public key, but have public key of type ${given}`;
  }
  // The first byte of a bit string says how many bits of its last one do not count.
  return isProven(known, key, info!.whole, signature.content.subarray(1)) ? undefined : failures[known.key];
}

function isProven({ hash, isPss }: Algorithm, key: KeyObject, data: Buffer, signature: Buffer): boolean {
  const { RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST } = constants;
  const more = isPss ? { padding: RSA_PKCS1_PSS_PADDING, saltLength: RSA_PSS_SALTLEN_DIGEST } : {};
  return verify(hash ?? null, data, { key, ...more }, signature);
}

function partsOf(value: Der | undefined, atLeast: number): Der[] {
  if (value?.tag !== sequence) throw malformed();
  const parts = readDer(value.content);
  if (parts.length < atLeast) throw malformed();
  return parts;
}

function algorithmOf(identifier: Der, parameters: Der | undefined): Algorithm | undefined {
  const known = algorithms[identifier.content.toString('hex')];
  if (!known?.isPss) return known;
  const named = parameters?.content.toString('hex') ?? '';
  const hash = Object.keys(pssHashes).find(id => named.includes(id));
  return hash === undefined ? undefined : { ...known, hash: pssHashes[hash]! };
}

function keyOf(der: Buffer): KeyObject {
  try {
    return createPublicKey({ key: der, format: 'der', type: 'spki' });
  } catch {
    throw new Error('x509: unsupported public key');
  }
}

function malformed(): Error {
  return new Error('asn1: structure error: not a certificate request');
}
