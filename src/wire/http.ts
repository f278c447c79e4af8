import type { Duplex } from 'node:stream';
import type { PeerCertificate } from 'node:tls';

/** Who speaks, as far as the transport knows. Only code in this process can set `user`: a socket never does. */
export interface Peer {
  /** Remote address as text; `in-process` for a call. */
  readonly address: string;
  /** The client certificate as it was shown: its key was proven in the handshake, its issuer is for an authenticator to verify. */
  readonly certificate?: PeerCertificate | undefined;
  /** Set by the in-process transport: already authenticated. */
  readonly user?: PeerUser | undefined;
}

export interface PeerUser {
  readonly name: string;
  readonly groups: readonly string[];
}

/** One HTTP request as plain data, whatever carried it (HTTP/1.1, HTTP/2, a function call). */
export interface Request {
  /** Upper case. */
  readonly method: string;
  /** Still percent-encoded, without the query. */
  readonly path: string;
  /** Without the question mark; empty when there is none. */
  readonly search: string;
  /** Names in lower case; repeated ones joined by `, `. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Names and values in turn as they came, several of one name apart; undefined for a call inside the process. */
  readonly rawHeaders?: readonly string[] | undefined;
  /** Reads the whole body. Rejects with BodyTooLarge (of http-body.ts) past `limitBytes`. Reading twice is a mistake. */
  body(limitBytes: number): Promise<Uint8Array>;
  /** The body as it arrives, for proxying. Not together with `body`. */
  stream(): AsyncIterable<Uint8Array>;
  /** Aborts when the peer goes away or the server stops. */
  readonly signal: AbortSignal;
  readonly peer: Peer;
  /** Only inside the process: the reader never changes what it gets, so that it may have objects of the server's own. */
  readonly shares?: boolean | undefined;
}

/** What a reader inside the process is handed as it is. Never changed by anybody. */
export interface SharedValue {
  /** About its bytes. */
  readonly length: number;
}

/** Where a streamed answer goes. */
export interface Sink {
  /** Queues a chunk and returns false when the buffer is past its mark: then wait for `drained()`. After the peer left it does nothing. */
  write(chunk: Uint8Array): boolean;
  /** Resolves when there is room again; rejects when the peer left. */
  drained(): Promise<void>;
  /** As write, towards a reader who shares; elsewhere it is not there. */
  share?(value: SharedValue): boolean;
  /** Bytes queued and not yet taken by the peer. */
  readonly bufferedBytes: number;
}

/**
 * An answer. `body` is whole (bytes or a list of bytes that is sent without joining), or a function that writes it; the answer ends when
 * the function's promise resolves and is cut off when it rejects. `upgrade` goes with status 101: the adapter writes the head and hands the socket over.
 */
export interface Response {
  status: number;
  headers: Record<string, string>;
  /** Values of Set-Cookie headers, which cannot be joined to one. */
  cookies?: readonly string[] | undefined;
  body?: Uint8Array | readonly Uint8Array[] | ((sink: Sink) => Promise<void>) | undefined;
  upgrade?: ((socket: Duplex, head: Uint8Array) => void) | undefined;
  /** To a reader who shares: the answer itself, in place of a body. */
  value?: unknown;
  /** To a reader who shares: `body` hands the sink values, not bytes. */
  isShared?: boolean | undefined;
}

/** The one shape of everything that answers requests. Never throws for what a client did wrong: it answers. */
export type Handler = (request: Request) => Promise<Response>;
