import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPorts } from './port-channels.ts';

test('ports come one by one or together', () => {
  assert.deepEqual(readPorts(new URLSearchParams('ports=80,443&ports=8080')), [80, 443, 8080]);
});

test('what is no port is refused in words that name it', () => {
  const cases: [query: string, message: RegExp][] = [
    ['', /query parameter "port" is required/],
    ['ports=', /unable to parse "" as a port/],
    ['ports=80,http', /unable to parse "http" as a port/],
    ['ports=65536', /unable to parse "65536" as a port/],
    ['ports=0', /port "0" must be > 0/],
  ];
  for (const [query, message] of cases) assert.throws(() => readPorts(new URLSearchParams(query)), message, query);
});
