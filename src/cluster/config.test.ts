import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environmentSource, resolveConfig } from './config.ts';

const flags = (values: Record<string, unknown>) => ({ describe: (name: string) => `--${name}`, values });

test('defaults stand where nothing is said', () => {
  const config = resolveConfig([]);
  assert.equal(config['data-dir'], '/var/lib/wherry');
  assert.equal(config['https-listen-port'], 6443);
  assert.deepEqual(config['tls-san'], []);
});

test('a later source wins and text becomes the type of the option', () => {
  const config = resolveConfig([
    flags({ 'https-listen-port': 7000, 'tls-san': ['a'] }),
    environmentSource({ WHERRY_HTTPS_LISTEN_PORT: '7001', WHERRY_TLS_SAN: 'b, c', WHERRY_DISABLE_AGENT: 'true' }),
  ]);
  assert.equal(config['https-listen-port'], 7001);
  assert.deepEqual(config['tls-san'], ['b', 'c']);
  assert.equal(config['disable-agent'], true);
});

for (const [values, message] of [
  [{ 'data-dri': '/x' }, '--data-dri: no such option (did you mean data-dir?)'],
  [{ 'https-listen-port': 'many' }, '--https-listen-port: "many" is not a whole number'],
  [{ 'https-listen-port': 70000 }, 'https-listen-port: 70000 is not a port: at most 65535'],
  [{ 'disable-agent': 'perhaps' }, '--disable-agent: "perhaps" is not true or false'],
  [{ 'cluster-cidr': '10.42' }, 'cluster-cidr: "10.42" is not a range of addresses like 10.42.0.0/16'],
  [{ 'service-node-port-range': '9-1' }, 'service-node-port-range: "9-1" is not a range like 30000-32767'],
  [{ 'log-level': 'loud' }, 'log-level: "loud" is not one of debug, info, warn, error'],
] as const) {
  test(`bad configuration says: ${message}`, () => {
    assert.throws(() => resolveConfig([flags(values)]), { name: 'ConfigError', message });
  });
}
