import type { Clock } from '#base';
import { serveTcp } from './serve-tcp.ts';
import { type Listen, type Listening, serveUdp } from './serve-udp.ts';

/** A free UDP port may be taken for TCP: with port 0 we try others. */
const portTries = 10;

export interface ListenAll extends Pick<Listen, 'port' | 'answer' | 'onError'> {
  addresses: readonly string[];
  clock: Clock;
}

/** UDP and TCP on every address, all on one port. Rejects with the address that failed, and leaves none open. */
export async function listenAll(options: ListenAll): Promise<Listening> {
  if (!options.addresses.length) throw new Error('DNS has no address to listen on');
  for (let left = portTries; ; left--) {
    try {
      return await tryListen(options);
    } catch (error) {
      const { cause } = error as Error;
      const isTaken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
      if (options.port !== 0 || !isTaken || left <= 1) throw error;
    }
  }
}

async function tryListen({ addresses, port: wanted, clock, ...rest }: ListenAll): Promise<Listening> {
  await using open = new AsyncDisposableStack();
  let port = wanted;
  for (const address of addresses) {
    const listen = async (protocol: 'UDP' | 'TCP') => {
      const serve = protocol === 'UDP' ? serveUdp : serveTcp;
      try {
        return open.use(await serve({ ...rest, address, port, clock }));
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`DNS cannot listen on ${address} port ${port}/${protocol}: ${reason}`, { cause });
      }
    };
    port = (await listen('UDP')).port;
    await listen('TCP');
  }
  const running = open.move();
  return { port, [Symbol.asyncDispose]: () => running.disposeAsync() };
}
