export type { Handler, Peer, PeerUser, Request, Response, Sink } from './http.ts';
