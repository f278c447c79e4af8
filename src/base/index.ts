export type { BackoffOptions } from './backoff.ts';
export { backoffMs } from './backoff.ts';
export type { Cidr } from './cidr.ts';
export {
  addressFamily,
  cidrAddress,
  cidrContains,
  cidrIndex,
  cidrSize,
  cidrSubnet,
  formatCidr,
  parseCidr,
} from './cidr.ts';
export type { Clock } from './clock.ts';
export { createSystemClock, formatMicroTime, formatTime } from './clock.ts';
export type { Running } from './lifetime.ts';
export { aborted, isAbort, throwIfAborted } from './lifetime.ts';
export type { Log, LogFields, LogLevel, LogOptions, LogRecord } from './log.ts';
export { createLog, formatLogJson, formatLogText } from './log.ts';
export type { CounterMeter, GaugeMeter, HistogramMeter, Labels, Meter, MeterSpec } from './meter.ts';
export { createMeter } from './meter.ts';
export type { Random } from './random.ts';
export { createRandom } from './random.ts';
export { isSmall } from './small.ts';
export type { Steps, Turn } from './turn.ts';
export { atOnce, createTurn, inTurns } from './turn.ts';
