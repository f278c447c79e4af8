import { DecodeError } from '#api';
import { createProtobufCodec, ProtobufError } from '#wire';
import type { Jobs } from './jobs.ts';

/** The jobs about protobuf; the tables are compiled by the first of them. */
export function createProtobufJobs(): {
  readProtobuf(input: Jobs['readProtobuf']['input']): Jobs['readProtobuf']['output'];
  writeProtobuf(input: Jobs['writeProtobuf']['input']): Jobs['writeProtobuf']['output'];
} {
  const codec = createProtobufCodec();
  return {
    readProtobuf({ bytes }) {
      try {
        return { json: JSON.stringify(codec.decode(bytes)) };
      } catch (cause) {
        throw cause instanceof ProtobufError ? new DecodeError(cause.message, { cause }) : cause;
      }
    },
    writeProtobuf({ json, kind }) {
      return { bytes: codec.encodeBody(JSON.parse(Buffer.from(json).toString()), kind) };
    },
  };
}
