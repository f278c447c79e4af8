import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatusError } from '../access/refuse.ts';
import { readLogOptions } from './log-options.ts';

const read = (query: string) => readLogOptions(new URLSearchParams(query), 'p');

test('what the kubelet takes is passed on, as it takes it', () => {
  const query =
    'container=c&follow=1&previous=false&timestamps=true&tailLines=%2B5&sinceSeconds=60&limitBytes=7&stream=All&pretty=x';
  const { container, isInsecure, passed } = read(query);
  assert.equal(String(passed), 'follow=true&timestamps=true&tailLines=5&limitBytes=7&sinceSeconds=60&stream=All');
  assert.deepEqual([container, isInsecure], ['c', false]);
  assert.equal(read('insecureSkipTLSVerifyBackend=true').isInsecure, true);
  assert.equal(
    String(read('sinceTime=2026-01-02T03:04:05%2B01:00').passed),
    'sinceTime=2026-01-02T03%3A04%3A05%2B01%3A00',
  );
  assert.equal(String(read('tailLines=&sinceTime=').passed), '');
});

test('what is not allowed is refused in the words of upstream', () => {
  const cases: [query: string, code: number, message: string][] = [
    ['tailLines=x', 400, 'strconv.ParseInt: parsing "x": invalid syntax'],
    ['tailLines=9223372036854775808', 400, 'strconv.ParseInt: parsing "9223372036854775808": value out of range'],
    [
      'sinceTime=yesterday',
      400,
      'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"',
    ],
    [
      'tailLines=-1',
      422,
      'PodLogOptions "p" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
    ],
    ['limitBytes=0', 422, 'PodLogOptions "p" is invalid: limitBytes: Invalid value: 0: must be greater than 0'],
    ['sinceSeconds=0', 422, 'PodLogOptions "p" is invalid: sinceSeconds: Invalid value: 0: must be greater than 0'],
    [
      'sinceSeconds=1&sinceTime=2026-01-02T03:04:05Z',
      422,
      'PodLogOptions "p" is invalid: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
    ],
    [
      'stream=x',
      422,
      'PodLogOptions "p" is invalid: stream: Unsupported value: "x": supported values: "All", "Stderr", "Stdout"',
    ],
    [
      'stream=Stdout&tailLines=1',
      422,
      'PodLogOptions "p" is invalid: Forbidden: `tailLines` and specific `stream` are mutually exclusive for now',
    ],
  ];
  for (const [query, code, message] of cases) {
    assert.throws(
      () => read(query),
      error => {
        assert.ok(error instanceof StatusError, query);
        assert.deepEqual([error.status.code, error.status.message], [code, message]);
        return true;
      },
    );
  }
});
