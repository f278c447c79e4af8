import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dialFailed, dialWords } from './dial-words.ts';

test('what a connection ends with is told in the words that people look for', () => {
  const failed = (fields: object) => Object.assign(new Error('as Node says it'), fields);
  const cases: [error: unknown, words: string][] = [
    [
      failed({ code: 'ECONNREFUSED', address: '10.0.0.1', port: 80 }),
      'dial tcp 10.0.0.1:80: connect: connection refused',
    ],
    [
      failed({ code: 'EHOSTUNREACH', address: 'fd00::1', port: 80 }),
      'dial tcp [fd00::1]:80: connect: no route to host',
    ],
    [failed({ code: 'ENOTFOUND', hostname: 'node-1' }), 'dial tcp: lookup node-1: no such host'],
    [failed({ code: 'ECONNRESET' }), 'EOF'],
    [new AggregateError([failed({ code: 'ETIMEDOUT', address: '::1', port: 1 })]), 'dial tcp [::1]:1: i/o timeout'],
    [failed({ code: 'CERT_HAS_EXPIRED' }), 'as Node says it'],
    ['no error', 'no error'],
  ];
  for (const [error, words] of cases) assert.equal(dialWords(error), words);
  const { code, message } = dialFailed(failed({ code: 'ECONNRESET' })).status;
  assert.deepEqual([code, message], [500, 'error dialing backend: EOF']);
});
