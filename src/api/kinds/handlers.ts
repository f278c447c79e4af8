import type { FieldError } from '../kind.ts';
import type { HTTPGetAction, Lifecycle, LifecycleHandler, PodOS, Probe } from '../types.ts';
import { checkNonNegative, forbidden, invalid, notSupported, pushInvalid, required } from './field-error.ts';
import { checkHeaderName } from './name-rules.ts';
import { checkPortNumberOrName } from './ports.ts';

/** What probes and hooks need to know of their pod. */
export interface HandlerScope {
  /** `terminationGracePeriodSeconds`: hooks may not sleep longer. */
  graceSeconds: number | undefined;
  os: PodOS | undefined;
}

type Handler = Omit<LifecycleHandler, never> & Pick<Probe, 'grpc'>;
type ProbeKind = 'livenessProbe' | 'readinessProbe' | 'startupProbe';

const schemes: readonly string[] = ['HTTP', 'HTTPS'];
const twice = 'may not specify more than 1 handler type';

const actions: Readonly<
  Record<string, (errors: FieldError[], path: string, given: { handler: Handler; scope: HandlerScope }) => void>
> = {
  exec(errors, path, { handler }) {
    if (!handler.exec?.command?.length) errors.push(required(`${path}.command`));
  },
  httpGet: (errors, path, { handler }) => checkHttpGet(errors, path, handler.httpGet!),
  tcpSocket: (errors, path, { handler }) => checkPortNumberOrName(errors, `${path}.port`, handler.tcpSocket!.port),
  grpc: (errors, path, { handler }) => checkPortNumberOrName(errors, `${path}.port`, handler.grpc!.port),
  sleep(errors, path, { handler, scope }) {
    const seconds = handler.sleep!.seconds;
    const grace = scope.graceSeconds;
    if (grace === undefined || (seconds >= 0 && seconds <= grace)) return;
    const detail = `must be non-negative and less than terminationGracePeriodSeconds (${grace})`;
    errors.push(invalid(path, seconds, detail));
  },
};

const actionNames = Object.keys(actions) as (keyof Handler)[];

function checkHandler(errors: FieldError[], path: string, given: { handler: Handler; scope: HandlerScope }): void {
  let seen = false;
  for (const name of actionNames) {
    if (given.handler[name] === undefined) continue;
    if (seen) errors.push(forbidden(`${path}.${name}`, twice));
    else actions[name]?.(errors, `${path}.${name}`, given);
    seen = true;
  }
  if (!seen) errors.push(required(path, 'must specify a handler type'));
}

function checkHttpGet(errors: FieldError[], path: string, action: HTTPGetAction): void {
  if (!action.path) errors.push(required(`${path}.path`));
  checkPortNumberOrName(errors, `${path}.port`, action.port);
  if (!schemes.includes(action.scheme ?? '')) {
    errors.push(notSupported(`${path}.scheme`, action.scheme ?? '', schemes));
  }
  for (const header of action.httpHeaders ?? []) {
    pushInvalid(errors, `${path}.httpHeaders`, header.name, checkHeaderName(header.name));
  }
}

const thresholds = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
] as const;

/** One of the three probes of a container; `path` ends in its name. */
export function checkProbe(
  errors: FieldError[],
  path: string,
  { probe, kind, scope }: { probe: Probe; kind: ProbeKind; scope: HandlerScope },
): void {
  checkHandler(errors, path, { handler: probe, scope });
  for (const field of thresholds) {
    const value = probe[field];
    if (value !== undefined && value < 0) checkNonNegative(errors, `${path}.${field}`, value);
  }
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) {
    errors.push(invalid(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'));
  }
  if (kind === 'readinessProbe') {
    if (grace !== undefined) {
      const detail = 'must not be set for readinessProbes';
      errors.push(invalid(`${path}.terminationGracePeriodSeconds`, grace, detail));
    }
  } else if (probe.successThreshold !== 1) {
    errors.push(invalid(`${path}.successThreshold`, probe.successThreshold ?? 0, 'must be 1'));
  }
}

const windowsSignals: readonly string[] = ['SIGKILL', 'SIGTERM'];

const linuxSignals: readonly string[] = [
  ...'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM'.split(
    ' ',
  ),
  ...'TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX'.split(' '),
  ...Array.from({ length: 15 }, (_, index) => `RTMIN+${index + 1}`),
  ...Array.from({ length: 14 }, (_, index) => `RTMAX-${index + 1}`),
]
  .map(name => `SIG${name}`)
  .sort();

/** The hooks of a container, and its stop signal. */
export function checkLifecycle(
  errors: FieldError[],
  path: string,
  { lifecycle, scope }: { lifecycle: Lifecycle; scope: HandlerScope },
): void {
  for (const hook of ['postStart', 'preStop'] as const) {
    const handler = lifecycle[hook];
    if (handler) checkHandler(errors, `${path}.${hook}`, { handler, scope });
  }
  const signal = lifecycle.stopSignal;
  if (signal === undefined) return;
  if (!scope.os) {
    errors.push(forbidden(`${path}.stopSignal`, 'may not be set for containers with empty `spec.os.name`'));
    return;
  }
  const known = scope.os.name === 'windows' ? windowsSignals : linuxSignals;
  if (!known.includes(signal)) errors.push(notSupported(`${path}.stopSignal`, signal, known));
}
