export { subscribeContainerdEvents } from './containerd-events.ts';
export type { Cri, CriImages, CriRuntime } from './cri.ts';
export { connectCri } from './cri.ts';
export type * from './cri-types.ts';
export type {
  EtcdEntry,
  EtcdEvent,
  EtcdKeys,
  EtcdMember,
  EtcdRange,
  EtcdWatch,
  EtcdWatchMessage,
  EtcdWatchOptions,
  EtcdWrite,
} from './etcd.ts';
export { connectEtcd } from './etcd.ts';
export type {
  GrpcCall,
  GrpcConnection,
  GrpcDuplex,
  GrpcDuplexCall,
  GrpcErrorCode,
  GrpcTarget,
} from './grpc.ts';
export { connectGrpc, GrpcError, isGrpcError } from './grpc.ts';
export { checkGrpcHealth } from './grpc-health.ts';
export type { GrpcMethod, SchemaTable } from './grpc-schema.ts';
export type { Handler, Peer, PeerUser, Request, Response, SharedValue, Sink } from './http.ts';
export { BodyCutOff, BodyTooLarge, BodyTooSlow, isBodyCutOff, isBodyTooLarge, isBodyTooSlow } from './http-body.ts';
export type { HttpServer, HttpServerLimits, HttpServerOptions, TlsFiles } from './http-server.ts';
export { startHttpServer } from './http-server.ts';
export { encodeOpenApiV2 } from './openapi-protobuf.ts';
export type { ProtobufCodec, WireKind } from './protobuf.ts';
export { createProtobufCodec, ProtobufError, protobufWatchFrame } from './protobuf.ts';
export { isTrue } from './query.ts';
export type { SpdyClient, SpdyStream, SpdyStreamEvents } from './spdy.ts';
export { createSpdyClient } from './spdy.ts';
export type { UpgradeOutcome, UpgradeTarget } from './upgrade.ts';
export { joinSockets, loadHttpRequest, requestUpgrade, serverName } from './upgrade.ts';
export type { WebSocketConnection, WebSocketEvents } from './websocket.ts';
export { isWebSocketRequest, loadWebSocket, offeredProtocols, webSocketAnswer } from './websocket.ts';
