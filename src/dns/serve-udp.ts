import { createSocket, type Socket } from 'node:dgram';
import type { Answerer } from './answer.ts';

export interface Listen {
  address: string;
  /** 0: any. */
  port: number;
  answer: Answerer;
  /** Told of what a socket says after it stands. */
  onError(error: Error): void;
}

export interface Listening extends AsyncDisposable {
  readonly port: number;
}

/** Answers UDP on one address. Rejects when it cannot be bound. */
export async function serveUdp({ address, port, answer, onError }: Listen): Promise<Listening> {
  const socket = createSocket(address.includes(':') ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' });
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  let isOpen = true;
  socket.on('close', close);
  socket.on('message', async (message, { address: from, port: fromPort }) => {
    // Nobody can be answered on port 0: such a sender is forged.
    if (!fromPort) return;
    const reply = await answer(message, 'udp');
    // An asker that has gone is its own affair; a full buffer is the network's.
    if (reply && isOpen) socket.send(reply, fromPort, from, error => void (error && onError(error)));
  });
  await bind(socket, address, port);
  socket.on('error', onError);
  return {
    port: socket.address().port,
    async [Symbol.asyncDispose]() {
      if (isOpen) socket.close();
      isOpen = false;
      await closed;
    },
  };
}

function bind(socket: Socket, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      socket.close();
      reject(error);
    };
    socket.once('error', fail);
    socket.bind({ address, port }, () => {
      socket.off('error', fail);
      resolve();
    });
  });
}
