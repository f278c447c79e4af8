import { createHash } from 'node:crypto';

/** The server half of one WebSocket connection, after the handshake. */
export interface WebSocketConnection {
  /** Sends one message (binary unless told). Returns false when the socket is full: then wait for its `drain`. */
  send(message: Uint8Array, options?: { text?: boolean }): boolean;
  /** Sends a close frame and ends the socket. */
  close(code: number, reason?: string): void;
}

export interface WebSocketEvents {
  onMessage(message: Buffer, isText: boolean): void;
  /** The peer closed, vanished, or broke the protocol. Called once. */
  onClose(): void;
}

const magic = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** True for a request that wants to become a WebSocket. */
export function isWebSocketRequest(headers: Readonly<Record<string, string | undefined>>): boolean {
  return headers['upgrade']?.toLowerCase() === 'websocket' && headers['sec-websocket-key'] !== undefined;
}

/** The subprotocols that the client offers, in its order. */
export function offeredProtocols(headers: Readonly<Record<string, string | undefined>>): string[] {
  return (headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '');
}

/** Headers of the 101 answer (RFC 6455, 4.2.2). */
export function webSocketAnswer(
  headers: Readonly<Record<string, string | undefined>>,
  protocol: string | undefined,
): Record<string, string> {
  const accept = createHash('sha1').update(`${headers['sec-websocket-key']}${magic}`).digest('base64');
  return {
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-accept': accept,
    ...(protocol === undefined ? {} : { 'sec-websocket-protocol': protocol }),
  };
}

/** The frames' side, loaded by the first who needs it: a server without exec and port-forward starts without. */
export async function loadWebSocket() {
  const { openWebSocket } = await import('./websocket-frames.ts');
  return openWebSocket;
}
