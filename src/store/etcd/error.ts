import type { GrpcError } from '#wire';
import { isGrpcError } from '#wire';
import { StoreError } from '../store.ts';

/** What an error of a call means for whoever made it. */
export type Verdict =
  /** Another member, or the same one later, may answer. Whether the call was carried out is not known. */
  | 'retry'
  /** The token that goes with calls has run out. */
  | 'authenticate'
  /** It would fail again. */
  | 'fail';

export function judge(error: unknown): Verdict {
  if (!isGrpcError(error)) return 'fail';
  // 3.4 says both of a token that it does not know (any more).
  if (/invalid auth token|revision of auth store is old/.test(error.message)) return 'authenticate';
  // Too many proposals in flight, or a member that is just starting or stopping.
  const passes = /too many requests|leader changed|no leader|server stopped|not capable/.test(error.message);
  if (passes || error.code === 'unavailable' || error.code === 'deadlineExceeded' || error.code === 'cancelled')
    return 'retry';
  return 'fail';
}

/** In words for the log and the operator; `where` names the endpoints. */
export function toStoreError(error: unknown, where: string): StoreError {
  if (error instanceof StoreError) return error;
  if (!isGrpcError(error)) return new StoreError('unavailable', `etcd at ${where}: ${String(error)}`, { cause: error });
  if (/revision has been compacted/.test(error.message))
    return new StoreError('compacted', `etcd at ${where}: ${error.message}`, { cause: error });
  const message = error.message.replace(/\.? ?Resolution note: ?$/, '');
  return new StoreError('unavailable', `etcd at ${where}: ${message}${remedyFor(error)}`, { cause: error });
}

/** Certificates do not fit. A server that only breaks off what it does not understand says nothing of TLS. */
export function isTlsProblem(error: unknown): boolean {
  if (!isGrpcError(error, 'unavailable')) return false;
  return /self.signed|unable to (get|verify)|certificate|handshake|SSL|TLS|wrong version/i.test(error.message);
}

function remedyFor(error: GrpcError): string {
  const { message, code } = error;
  if (/database space exceeded/.test(message))
    return ': its quota is used up; compact and defragment etcd, raise --quota-backend-bytes, then clear the alarm';
  if (/request is too large/.test(message)) return ': raise etcd’s --max-request-bytes';
  if (/user name is empty/.test(message)) return ': it wants a user; write https://user:password@host:2379';
  if (code === 'permissionDenied') return ': the user needs readwrite on /registry/, /bootstrap/ and compact_rev_key';
  if (/authentication failed|user name or password/.test(message)) return ': check user and password of the endpoint';
  if (isTlsProblem(error)) return ': check --datastore-cafile, --datastore-certfile and --datastore-keyfile';
  return code === 'unavailable' || code === 'deadlineExceeded' ? ': is it running and has it a leader?' : '';
}
