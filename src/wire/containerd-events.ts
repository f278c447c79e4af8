import { connectGrpc } from './grpc.ts';
import type { SchemaTable } from './grpc-schema.ts';

/** containerd's own event service (containerd 1.x and 2.x: api/services/events/v1/events.proto); the payload is not read. */
const table: SchemaTable = {
  SubscribeRequest: { filters: [1, '[]string'] },
  Envelope: { namespace: [2, 'string'], topic: [3, 'string'] },
  'service Events': { Subscribe: ['SubscribeRequest', 'stream Envelope'] },
};

/** What Kubernetes' containers do, by topic (`/tasks/exit`, `/tasks/start`, `/tasks/oom`, ...). Ends when `signal` aborts; rejects with GrpcError. */
export async function* subscribeContainerdEvents(options: {
  socketPath: string;
  now: () => number;
  topics: readonly string[];
  signal: AbortSignal;
}): AsyncIterable<string> {
  const connection = connectGrpc({ address: `unix://${options.socketPath}`, now: options.now });
  const { readSchema } = await import('./grpc-schema.ts');
  const method = readSchema('containerd.services.events.v1', table)('Events', 'Subscribe');
  const filters = options.topics.map(topic => `namespace=="k8s.io",topic=="${topic}"`);
  try {
    const { signal } = options;
    for await (const event of connection.stream({
      method,
      message: { filters },
      timeoutMs: Number.POSITIVE_INFINITY,
      signal,
    })) {
      yield (event as { topic: string }).topic;
    }
  } finally {
    connection.close();
  }
}
