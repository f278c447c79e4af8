export type { Span, Tracer, TracerOptions, TracingConfig } from './tracer.ts';
export { createTracer, readTracingConfig } from './tracer.ts';
