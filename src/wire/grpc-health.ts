import { connectGrpc } from './grpc.ts';
import type { SchemaTable } from './grpc-schema.ts';

/** grpc.health.v1, as in grpc/grpc doc/health-checking.md. */
const table: SchemaTable = {
  HealthCheckRequest: { service: [1, 'string'] },
  ServingStatus: { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 },
  HealthCheckResponse: { status: [1, 'ServingStatus'] },
  'service Health': { Check: ['HealthCheckRequest', 'HealthCheckResponse'] },
};

/** The status that the server names: SERVING, NOT_SERVING, ... Rejects with GrpcError. */
export async function checkGrpcHealth(options: {
  address: string;
  service: string;
  timeoutMs: number;
  now: () => number;
}): Promise<string> {
  const metadata = { 'user-agent': 'kube-probe/1.36' };
  const connection = connectGrpc({ address: options.address, now: options.now, metadata });
  try {
    const { readSchema } = await import('./grpc-schema.ts');
    const method = readSchema('grpc.health.v1', table)('Health', 'Check');
    const { service, timeoutMs } = options;
    const answer = await connection.call({ method, message: { service }, timeoutMs });
    return (answer as { status: string }).status;
  } finally {
    connection.close();
  }
}
