import type { Pod, Secret } from '#api';
import type { Clock, Log } from '#base';
import type { AuthConfig, CriImage, CriImages, SandboxConfig } from '#wire';
import { isGrpcError } from '#wire';
import type { Waiting } from '../pods/plan.ts';
import { fieldPathOf, type PodContainer } from '../pods/pod-spec.ts';
import { createRestartBackoff } from '../pods/restart-backoff.ts';
import { credentialsFor } from './credentials.ts';
import { describeBadName, withDefaultTag } from './image-name.ts';

export type ImageOutcome =
  | { state: 'present'; image: CriImage }
  /** Under way; `onDone` is called when it has ended. */
  | { state: 'pulling' }
  | { state: 'failed'; waiting: Waiting; againMs?: number | undefined };

export interface ImagePuller extends AsyncDisposable {
  /** Whether the container's image is there, and what is done about it if it is not. Never waits for a pull. */
  ensure(request: ImageRequest): Promise<ImageOutcome>;
  /** Nobody needs the pod's images any more. */
  forget(uid: string): void;
}

export interface ImageRequest {
  pod: Pod;
  spec: PodContainer;
  secrets: readonly Secret[];
  sandbox: SandboxConfig;
}

export interface PullerOptions {
  images: CriImages;
  clock: Clock;
  log: Log;
  serialize: boolean;
  record(
    about: Pod & { fieldPath?: string },
    event: { type: 'Normal' | 'Warning'; reason: string; message: string },
  ): void;
  onDone(uid: string): void;
}

/** Of several pods' pulls; upstream's default is no limit. */
const maxParallel = 10;
/** The reason of a failure changes to back-off only then, so that whoever looks sees it: upstream looks again after some seconds. */
const failureShownMs = 2000;

/** Images for containers, with upstream's events, reasons and delays (pkg/kubelet/images/image_manager.go). */
export function createImagePuller(options: PullerOptions): ImagePuller {
  const { images, clock } = options;
  const pulls = new Map<string, { result?: { error?: Error; atMs?: number } }>();
  const backoff = createRestartBackoff();
  const lastFailure = new Map<string, { atMs: number; message: string }>();
  const lane = createLane(options.serialize ? 1 : maxParallel);
  const stop = new AbortController();
  const active = new Set<Promise<void>>();

  const pull = async (request: ImageRequest, image: string, key: string) => {
    const { pod, spec } = request;
    const uid = pod.metadata.uid ?? '';
    const event = (type: 'Normal' | 'Warning', reason: string, message: string) =>
      options.record({ ...pod, fieldPath: fieldPathOf(spec) }, { type, reason, message });
    const name = spec.container.image ?? '';
    event('Normal', 'Pulling', `Pulling image "${name}"`);
    const askedMs = clock.monotonicMs();
    try {
      await lane(async () => {
        const startedMs = clock.monotonicMs();
        await pullWithAny(options.images, image, request, stop.signal);
        const size = (await images.status(image))?.size ?? 0;
        const [took, waited] = [clock.monotonicMs() - startedMs, clock.monotonicMs() - askedMs].map(goDuration);
        event(
          'Normal',
          'Pulled',
          `Successfully pulled image "${name}" in ${took} (${waited} including waiting). Image size: ${size} bytes.`,
        );
      });
      lastFailure.delete(key);
      pulls.set(key, { result: {} });
    } catch (error) {
      if (stop.signal.aborted) return;
      const message = isGrpcError(error) ? error.grpcText : (error as Error).message;
      event('Warning', 'Failed', `Failed to pull image "${name}": ${message}`);
      event('Warning', 'Failed', 'Error: ErrImagePull');
      backoff.next(key, clock.now(), clock.now());
      lastFailure.set(key, { atMs: clock.now(), message });
      pulls.set(key, { result: { error: new Error(message), atMs: clock.monotonicMs() } });
    }
    options.onDone(uid);
  };

  return {
    async ensure(request) {
      const { pod, spec } = request;
      const name = spec.container.image ?? '';
      const uid = pod.metadata.uid ?? '';
      const about = { ...pod, fieldPath: fieldPathOf(spec) };
      const image = withDefaultTag(name);
      if (image === undefined) {
        const message = `Failed to apply default image tag "${name}": couldn't parse image name "${name}": ${describeBadName(name)}`;
        options.record(about, { type: 'Warning', reason: 'InspectFailed', message });
        options.record(about, { type: 'Warning', reason: 'Failed', message: 'Error: InvalidImageName' });
        return { state: 'failed', waiting: { reason: 'InvalidImageName', message }, againMs: 60_000 };
      }
      const key = `${uid}_${name}`;
      const under = pulls.get(key);
      if (under && !under.result) return { state: 'pulling' };
      const { error, atMs = 0 } = under?.result ?? {};
      const heldMs = error ? atMs + failureShownMs - clock.monotonicMs() : 0;
      if (error && heldMs > 0)
        return { state: 'failed', waiting: { reason: 'ErrImagePull', message: error.message }, againMs: heldMs };
      if (under?.result) pulls.delete(key);
      const found = await images.status(image);
      const policy = spec.container.imagePullPolicy ?? (image.endsWith(':latest') ? 'Always' : 'IfNotPresent');
      const justPulled = under?.result !== undefined && !error;
      if (found && (policy !== 'Always' || justPulled)) {
        if (!justPulled) {
          const message = `Container image "${name}" already present on machine and can be accessed by the pod`;
          options.record(about, { type: 'Normal', reason: 'Pulled', message });
        }
        return { state: 'present', image: found };
      }
      if (policy === 'Never') {
        const message = `Container image "${name}" is not present with pull policy of Never`;
        options.record(about, { type: 'Warning', reason: 'ErrImageNeverPull', message });
        options.record(about, { type: 'Warning', reason: 'Failed', message: 'Error: ErrImageNeverPull' });
        return { state: 'failed', waiting: { reason: 'ErrImageNeverPull', message }, againMs: 10_000 };
      }
      const last = lastFailure.get(key);
      const leftMs = last ? backoff.leftMs(key, last.atMs, clock.now()) : 0;
      if (last && leftMs > 0) {
        options.record(about, { type: 'Normal', reason: 'BackOff', message: `Back-off pulling image "${name}"` });
        options.record(about, { type: 'Warning', reason: 'Failed', message: 'Error: ImagePullBackOff' });
        const message = `Back-off pulling image "${name}": ErrImagePull: ${last.message}`;
        return { state: 'failed', waiting: { reason: 'ImagePullBackOff', message }, againMs: leftMs };
      }
      pulls.set(key, {});
      const running = pull(request, image, key).finally(() => active.delete(running));
      active.add(running);
      return { state: 'pulling' };
    },
    forget(uid) {
      backoff.forget(`${uid}_`);
      for (const map of [lastFailure, pulls])
        for (const key of [...map.keys()]) if (key.startsWith(`${uid}_`)) map.delete(key);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.allSettled(active);
    },
  };
}

/** With each offer in turn, and without one when there is none. Rejects with the last refusal. */
async function pullWithAny(
  images: CriImages,
  image: string,
  request: ImageRequest,
  signal: AbortSignal,
): Promise<void> {
  const offers: (AuthConfig | undefined)[] = credentialsFor(image, request.secrets);
  let refusal: unknown;
  for (const auth of offers.length > 0 ? offers : [undefined]) {
    try {
      await images.pull(image, auth, request.sandbox, signal);
      return;
    } catch (error) {
      refusal = error;
    }
  }
  throw refusal;
}

/** Runs at most `width` things at the same time, in the order of asking. */
function createLane(width: number): <T>(run: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let busy = 0;
  return async run => {
    if (busy >= width) await new Promise<void>(resolve => waiting.push(resolve));
    else busy++;
    try {
      return await run();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else busy--;
    }
  };
}

/** `123ms`, `1.234s`, as Go prints durations of milliseconds. */
function goDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const minutes = Math.floor(ms / 60_000);
  const seconds = Number(((ms % 60_000) / 1000).toFixed(3));
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}
