import type { Response } from '#wire';

/** Upstream forbids caches to keep API answers. */
export const noCache = 'no-cache, private';
export const jsonHeaders: Record<string, string> = Object.freeze({
  'cache-control': noCache,
  'content-type': 'application/json',
});
export const textHeaders: Record<string, string> = Object.freeze({
  'cache-control': noCache,
  'content-type': 'text/plain; charset=utf-8',
  'x-content-type-options': 'nosniff',
});

export function textAnswer(status: number, text: string): Response {
  return { status, headers: textHeaders, body: Buffer.from(text) };
}

/** A document that is no API object, as JSON. */
export function jsonAnswer(status: number, value: unknown): Response {
  return { status, headers: jsonHeaders, body: Buffer.from(`${JSON.stringify(value)}\n`) };
}
