/** Requests that must be refused, as a table. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Answer, Call, SecureApi } from './fixture.ts';

/** Status code, reason, and what the message is (text: all of it; pattern: somewhere). */
export type Expected = readonly [code: number, reason: string | undefined, message: string | RegExp];

export interface Case extends Call {
  readonly name: string;
  readonly is: Expected;
}

const reasons = {
  bad: [400, 'BadRequest'],
  unauthorized: [401, 'Unauthorized'],
  forbidden: [403, 'Forbidden'],
  missing: [404, 'NotFound'],
  method: [405, 'MethodNotAllowed'],
  accept: [406, 'NotAcceptable'],
  exists: [409, 'AlreadyExists'],
  conflict: [409, 'Conflict'],
  large: [413, 'RequestEntityTooLarge'],
  media: [415, 'UnsupportedMediaType'],
  invalid: [422, 'Invalid'],
  slow: [504, 'Timeout'],
} as const;

export function is(kind: keyof typeof reasons, message: string | RegExp): Expected {
  return [...reasons[kind], message];
}

/** The answer is a Status that says what is expected. */
export function check(answer: Answer, [code, reason, message]: Expected): void {
  assert.equal(answer.status, code, answer.text);
  assert.equal(answer.headers['content-type'], 'application/json');
  const { kind, apiVersion, status } = answer.json;
  assert.deepEqual({ kind, apiVersion, status }, { kind: 'Status', apiVersion: 'v1', status: 'Failure' });
  assert.equal(answer.json.reason, reason, answer.text);
  assert.equal(answer.json.code, code);
  if (typeof message === 'string') assert.equal(answer.json.message, message);
  else assert.match(answer.json.message, message);
}

/** One test for each case. */
export function describeCases(title: string, api: () => SecureApi, cases: readonly Case[]): void {
  describe(title, () => {
    for (const { name, is: expected, ...call } of cases) {
      test(name, async () => check(await api().send(call), expected));
    }
  });
}
