import type { Decoder, FieldManager, Scheme } from '#api';
import type { Clock, Log, Meter, Random } from '#base';
import type { Store } from '#store';
import type { ProtobufCodec } from '#wire';
import type { Authorizer } from './access.ts';
import type { AdmissionPlugin } from './admission.ts';
import type { Versions } from './custom/index.ts';
import type { ObjectReader } from './reader.ts';
import type { WatchCounts } from './server-meters.ts';
import type { Family } from './stages/series.ts';
import type { Threads } from './threads/index.ts';
import type { WatchCache } from './watch-cache/watch-cache.ts';

/** What the verbs of one server share. */
export interface Core {
  readonly store: Store;
  readonly cache: WatchCache;
  readonly reader: ObjectReader;
  /** A function, because custom resources make new schemes. */
  readonly scheme: () => Scheme;
  /** Objects in other versions of their kinds. */
  readonly versions: Versions;
  readonly decoder: Decoder;
  readonly protobuf: ProtobufCodec;
  readonly fieldManager: FieldManager;
  /** For judgements and bodies that take longer than a turn of the event loop may. */
  readonly threads: Threads;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
  readonly authorize: Authorizer;
  readonly admission: readonly AdmissionPlugin[];
  readonly watchCounts: WatchCounts;
  /** By step, operation and whether it was rejected. */
  readonly admissionSteps: Family;
  /** True: the stored form of the key is outdated, so an update that changes nothing is written nevertheless. */
  readonly isStale?: ((storeKey: string) => Promise<boolean>) | undefined;
  /** Aborts when the server stops: watches end. */
  readonly stopping: AbortSignal;
}
