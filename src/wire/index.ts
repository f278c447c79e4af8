export type { Handler, Peer, PeerUser, Request, Response, Sink } from './http.ts';
export { BodyCutOff, BodyTooLarge, isBodyTooLarge } from './http-body.ts';
export type { HttpServer, HttpServerLimits, HttpServerOptions, TlsFiles } from './http-server.ts';
export { startHttpServer } from './http-server.ts';
