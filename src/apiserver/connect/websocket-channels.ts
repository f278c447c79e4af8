import type { Duplex } from 'node:stream';
import { loadWebSocket } from '#wire';

/** Several streams in one WebSocket: the first byte of a message, or the first digit of a base64 one, says which. Source: KEP-4006, wsstream. */
export interface Channels {
  /** Pauses the source of what it is given, while the client takes no more. */
  send(channel: number, payload: Uint8Array): void;
  close(code: number): void;
}

export interface ChannelEvents {
  onMessage(channel: number, payload: Buffer): void;
  onClose(): void;
}

/** `source` is what is paused while the client is slow. */
export async function loadChannels() {
  const openWebSocket = await loadWebSocket();
  return (
    client: { socket: Duplex; head: Uint8Array },
    { isBase64, source }: { isBase64: boolean; source: Duplex },
    events: ChannelEvents,
  ): Channels => {
    const connection = openWebSocket(client.socket, client.head, {
      onMessage(message) {
        if (message.length === 0) return;
        if (isBase64) events.onMessage(message[0]! - 48, Buffer.from(message.toString('latin1', 1), 'base64'));
        else events.onMessage(message[0]!, message.subarray(1));
      },
      onClose: () => events.onClose(),
    });
    return {
      send(channel, payload) {
        const message = isBase64
          ? Buffer.from(`${channel}${Buffer.from(payload).toString('base64')}`)
          : Buffer.concat([Buffer.from([channel]), payload]);
        if (!connection.send(message, { text: isBase64 })) pauseUntilDrained(source, client.socket);
      },
      close: code => connection.close(code),
    };
  };
}

/** Stops reading from one side while the other is full. */
export function pauseUntilDrained(from: Duplex, to: Duplex): void {
  from.pause();
  to.once('drain', () => from.resume());
}
