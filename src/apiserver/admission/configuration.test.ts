import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readAdmissionConfiguration } from './configuration.ts';

const folder = mkdtempSync(join(tmpdir(), 'admission-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n';
const podSecurity = 'apiVersion: pod-security.admission.config.k8s.io/v1\nkind: PodSecurityConfiguration\n';
const indent = (text: string) => text.replaceAll(/^(?=.)/gm, '    ');
let counter = 0;
const inline = (more: string) =>
  write(`inline-${counter++}.yaml`, `${head}- name: PodSecurity\n  configuration:\n${indent(podSecurity + more)}`);

test('Pod Security takes defaults and exemptions, inline or from a file beside', () => {
  const more =
    'defaults: { enforce: baseline, enforce-version: v1.30, warn: restricted }\n' +
    'exemptions: { usernames: ["system:serviceaccount:ci:builder"], namespaces: [kube-system], runtimeClasses: [gvisor] }\n';
  write('pods.yaml', podSecurity + more);
  for (const path of [inline(more), write('outer.yaml', `${head}- { name: PodSecurity, path: pods.yaml }\n`)]) {
    const { defaults, ...exemptions } = readAdmissionConfiguration(path).podSecurity!;
    assert.deepEqual(defaults, {
      enforce: { level: 'baseline', minor: 30 },
      audit: { level: 'privileged', minor: undefined },
      warn: { level: 'restricted', minor: undefined },
    });
    assert.deepEqual(
      Object.values(exemptions).map(names => [...names]),
      [['system:serviceaccount:ci:builder'], ['kube-system'], ['gvisor']],
    );
  }
  assert.equal(
    readAdmissionConfiguration(write('none.yaml', head.replace('plugins:', 'plugins: []'))).podSecurity,
    undefined,
  );
});

test('what is wrong is named with its file and field', () => {
  const cases: [path: string, wanted: RegExp][] = [
    [
      inline('defaults: { enforce: strict }\n'),
      /inline-\d+\.yaml: plugins\[0\]\.configuration\.defaults\.enforce: must be one of privileged, baseline, restricted, not "strict"$/,
    ],
    [
      inline('defaults: { warn-version: "1.30" }\n'),
      /defaults\.warn-version: must be "latest" or "v1\.x", not "1\.30"$/,
    ],
    [inline('exemptions: { namespaces: [a, a] }\n'), /exemptions\.namespaces\[1\]: is there twice, not "a"$/],
    [inline('exemptions: { namespaces: [A_b] }\n'), /exemptions\.namespaces\[0\]: a lowercase RFC 1123 label/],
    [inline('exemption: {}\n'), /configuration\.exemption: no such field/],
    [
      write('other.yaml', `${head}- { name: EventRateLimit, path: x.yaml }\n`),
      /plugins\[0\]\.name: only PodSecurity takes a configuration in this version, not "EventRateLimit"$/,
    ],
    [write('empty.yaml', `${head}- name: PodSecurity\n`), /plugins\[0\]: path or configuration is required$/],
    [
      write('kind.yaml', 'apiVersion: v1\nkind: List\n'),
      /kind\.yaml: kind: must be AdmissionConfiguration, not "List"$/,
    ],
    [
      write('gone.yaml', `${head}- { name: PodSecurity, path: nowhere.yaml }\n`),
      /nowhere\.yaml: cannot be read: ENOENT/,
    ],
  ];
  for (const [path, wanted] of cases) {
    assert.throws(
      () => readAdmissionConfiguration(path),
      (error: Error) => {
        assert.equal(error.name, 'DocumentError');
        assert.match(error.message, wanted);
        return true;
      },
    );
  }
});
