import type { StatusError } from '../errors.ts';

/**
 * Why a call did not bring an answer. The message is what upstream's HTTP client says, ready to stand behind `failed to call webhook: `:
 * `Post "https://...?timeout=10s": context deadline exceeded`.
 */
export class WebhookCallError extends Error {
  override readonly name = 'WebhookCallError';
  /** `unreachable`: no answer came. `timeout`: not in time. `refused`: an answer that is no success. `unreadable`: one that makes no sense. `cancelled`: the caller's signal. */
  readonly code: 'unreachable' | 'timeout' | 'refused' | 'unreadable' | 'cancelled';
  /** What the webhook answered when it was no success: its own Status, or one made of the HTTP status as client-go does. */
  readonly answered: StatusError | undefined;
  constructor(
    code: WebhookCallError['code'],
    message: string,
    options: { cause?: unknown; answered?: StatusError | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.answered = options.answered;
  }
}
