/** What arrives on upgraded connections: frames, and the messages of channels in them. */
import { type Duplex, duplexPair } from 'node:stream';
import { createSpdyClient, loadWebSocket } from '#wire';
import { joinPorts } from '../../src/apiserver/connect/port-channels.ts';
import { wordsOfStatus } from '../../src/apiserver/connect/status-words.ts';
import type { Target } from './engine.ts';

const silent = { onData: () => undefined, onEnd: () => undefined };
const nothing = Buffer.alloc(0);

export const streams: readonly Target[] = [
  {
    name: 'SPDY frames',
    corpus: spdyFrames(),
    run: input => readBytes(input, async socket => void createSpdyClient(socket).open({ streamType: 'error' }, silent)),
    refusals: [],
  },
  {
    name: 'WebSocket frames',
    corpus: [
      clientFrame(0x81, '0hello'),
      Buffer.concat([clientFrame(0x02, '\0a'), clientFrame(0x80, 'b'), clientFrame(0x89, 'p')]),
      clientFrame(0x88, '\x03\xe8bye'),
    ],
    run: input =>
      readBytes(input, async socket => {
        const open = await loadWebSocket();
        open(socket, nothing, { onMessage: () => undefined, onClose: () => undefined });
      }),
    refusals: [],
  },
  {
    // The client's messages are right frames, one for each line; the kubelet answers with whatever the input is.
    name: 'WebSocket channels',
    corpus: ['\x00GET /\n\x02more\n\x04resize\n\xff\x00', '0R0VUIC8=\n2bW9yZQ==\n9!\n:', ...spdyFrames()],
    async run(input) {
      wordsOfStatus(input);
      for (const isBase64 of [false, true]) {
        const [kubelet, kubeletEnd] = duplexPair();
        const join = await joinPorts({ socket: kubelet, head: nothing }, { ports: [80, 8080], isBase64 });
        kubeletEnd.resume();
        kubeletEnd.on('error', () => undefined); // a broken peer is a closed connection
        const lines = input.toString('latin1').split('\n').slice(0, 100);
        const messages = lines.map(line => clientFrame(isBase64 ? 0x81 : 0x82, line));
        await readBytes(Buffer.concat(messages), async socket => {
          join(socket, nothing);
          kubeletEnd.write(input);
        });
        kubelet.destroy();
      }
    },
    refusals: [],
  },
];

/** Hands bytes in two halves to whoever reads from the socket. Rejects with what is thrown while it reads, which no caller of a socket could catch. */
async function readBytes(input: Buffer, open: (socket: Duplex) => Promise<void>): Promise<void> {
  const [ours, theirs] = duplexPair();
  theirs.resume();
  for (const end of [ours, theirs]) end.on('error', () => undefined); // a broken peer is a closed connection
  const thrown: unknown[] = [];
  process.setUncaughtExceptionCaptureCallback(error => thrown.push(error));
  try {
    await open(ours);
    await turns();
    const half = input.length >> 1;
    theirs.write(input.subarray(0, half));
    theirs.end(input.subarray(half));
    await turns();
  } finally {
    process.setUncaughtExceptionCaptureCallback(null);
    ours.destroy();
  }
  if (thrown.length > 0) throw thrown[0];
}

/** Until what was written is read. */
const turns = () => new Promise<void>(resolve => void setImmediate(() => setImmediate(resolve)));

function spdyFrames(): Buffer[] {
  const control = (type: number, flags: number, bytes: Buffer) => {
    const header = Buffer.alloc(8);
    header.writeUInt16BE(0x8003, 0);
    header.writeUInt16BE(type, 2);
    header.writeUInt32BE((flags << 24) | bytes.length, 4);
    return Buffer.concat([header, bytes]);
  };
  const data = Buffer.concat([Buffer.from([0, 0, 0, 1, 1, 0, 0, 5]), Buffer.from('hello')]);
  const reply = control(2, 0, Buffer.concat([Buffer.from([0, 0, 0, 1]), Buffer.from([0x78, 0x9c, 3, 0, 0, 0, 0, 1])]));
  return [
    Buffer.concat([reply, data]),
    control(6, 0, Buffer.from([0, 0, 0, 2])),
    control(3, 0, Buffer.from([0, 0, 0, 1, 0, 0, 0, 5])),
    control(7, 0, Buffer.alloc(8)),
  ];
}

/** Masked (with zeros, so that the bytes stay readable), as clients send them. `payload`: a byte for each character. */
function clientFrame(first: number, payload: string): Buffer {
  const bytes = Buffer.from(payload, 'latin1').subarray(0, 0xffff);
  const isShort = bytes.length < 126;
  const length = isShort ? [0x80 | bytes.length] : [0xfe, bytes.length >> 8, bytes.length & 0xff];
  return Buffer.concat([Buffer.from([first, ...length, 0, 0, 0, 0]), bytes]);
}
