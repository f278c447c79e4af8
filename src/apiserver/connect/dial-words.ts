import { StatusError } from '../access/refuse.ts';

interface DialError {
  readonly code?: string;
  readonly address?: string;
  readonly port?: number;
  readonly hostname?: string;
}

/** Node's codes in the words of Go's net package, which people and scripts look for. */
const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'i/o timeout',
};

/** Why a target could not be reached, as upstream says it: `dial tcp 10.0.0.1:80: connect: connection refused`. */
export function dialWords(error: unknown): string {
  // A name with several addresses ends in one error for each.
  const one = error instanceof AggregateError ? error.errors[0] : error;
  const { code = '', address, port, hostname } = one as DialError;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `dial tcp: lookup ${hostname}: no such host`;
  if (code === 'ECONNRESET') return 'EOF';
  const known = words[code];
  if (!known || !address) return one instanceof Error ? one.message : String(one);
  return `dial tcp ${address.includes(':') ? `[${address}]` : address}:${port}: ${known}`;
}

/** 500 without a reason, which is how upstream tells of a kubelet or a target of an upgrade that is out of reach. */
export function dialFailed(error: unknown): StatusError {
  return new StatusError({ code: 500, reason: '', message: `error dialing backend: ${dialWords(error)}` });
}
