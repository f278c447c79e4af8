import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificateMistake } from './issued-certificate.ts';
import { requestMistake } from './request-proof.ts';

// Of openssl req and openssl x509, each with the subject CN=ann.
const ec = `-----BEGIN CERTIFICATE REQUEST-----
MIHJMHACAQAwDjEMMAoGA1UEAwwDYW5uMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD
QgAEztHvd6AVgzWJqkZc5CtqpxlWL9bQ5TSwL4pNJWpZQQU0F9whkyzAU2NYIad/
kNJb3xOY4ns8bSNLpfL518zYVqAAMAoGCCqGSM49BAMCA0kAMEYCIQDZqU+fJti9
71OGZl77ar89Wtr82z/lu2KYDE663lA5fwIhAJip2qucejcJuv+WcDXC37joIQ3l
/rBd7qCW7NlLuHPK
-----END CERTIFICATE REQUEST-----`;
const rsa = `-----BEGIN CERTIFICATE REQUEST-----
MIICUzCCATsCAQAwDjEMMAoGA1UEAwwDYW5uMIIBIjANBgkqhkiG9w0BAQEFAAOC
AQ8AMIIBCgKCAQEA0GD2nV1AvPdvwtYwpySbdpMzUdAY2QgIWNSImr4D3Rbwoom6
M3puLgu6kHiXS94dm2w7kGgeFWh+m3dixrD+WZnRlh0ykQJWpy8dClXyBc1NOnfK
naz9WP1DHGvNILIG0d6CDOpVD2JE0vCo3R9goUnQFbmcaNgWp8ZIZKMnIX0mIuWi
Oe9L2SShrVfbHflT2hp1f8oZuqSYlvSF/IA8ylr3MJguaG7vSs0bGi3QIn9hIzas
oIpUijsR10IefcR5gkA0C13ujCDrZyQI5OzJvnSAgo7VrVJHsF0wAOoHbV+TcL37
keUosBzpD0lBT9dyaeQQT+sk89D7uNGzxIiTrwIDAQABoAAwDQYJKoZIhvcNAQEL
BQADggEBALAlmQ7D0GPU5s4aAaBorN4kcs6vnAXLj31EgNLtCrm4i/mdoosb2k+a
nApLQF9UTYv1FS1u7Jei5IZWt+hVLaVGEzJMIRby+lj9xpd8iSu7220p1I4hsagQ
jfz3loVjxUvrsuOJ8WA4oErzigVJwjjU9sARzWOAIgHq/QNoz96HUZSjlvZayyf5
Bd/Yx2QgOsfOCAEF6a2jqyXhf0k0hEPwm6VbuF69wuc13XEDAzj7t8FuM6sJ+TMJ
4/LxeTEpnIiZ16PVFFFd+CH+QFUneLwBVz8VPrFmksJd+VtZZsOiT6CFyhHTd4jh
auihufrU9eMag/hGRrAe/Agp5xRfIlc=
-----END CERTIFICATE REQUEST-----`;
const pss = `-----BEGIN CERTIFICATE REQUEST-----
MIIChzCCATsCAQAwDjEMMAoGA1UEAwwDYW5uMIIBIjANBgkqhkiG9w0BAQEFAAOC
AQ8AMIIBCgKCAQEA0GD2nV1AvPdvwtYwpySbdpMzUdAY2QgIWNSImr4D3Rbwoom6
M3puLgu6kHiXS94dm2w7kGgeFWh+m3dixrD+WZnRlh0ykQJWpy8dClXyBc1NOnfK
naz9WP1DHGvNILIG0d6CDOpVD2JE0vCo3R9goUnQFbmcaNgWp8ZIZKMnIX0mIuWi
Oe9L2SShrVfbHflT2hp1f8oZuqSYlvSF/IA8ylr3MJguaG7vSs0bGi3QIn9hIzas
oIpUijsR10IefcR5gkA0C13ujCDrZyQI5OzJvnSAgo7VrVJHsF0wAOoHbV+TcL37
keUosBzpD0lBT9dyaeQQT+sk89D7uNGzxIiTrwIDAQABoAAwQQYJKoZIhvcNAQEK
MDSgDzANBglghkgBZQMEAgEFAKEcMBoGCSqGSIb3DQEBCDANBglghkgBZQMEAgEF
AKIDAgEgA4IBAQC7tl4B8RLU03txQqPJeSba2RyqaIFFl3i6cBU4fonEuy4XVLSB
aga8+CCLOOBjEsuFibNg7Wv67PM1FooO47ldn0Rs7Dle3Nawy2a1oB9e5HVeoAft
7VY6ldshzelA7p9z4TxxMobTN2oAOszrnJk90xPcMU+3j2LU/WzBj0LclF/EtOZe
wij8rvxChCrlUSJpdGfYvVMy39U9xe9Hb/t0WFMElNhb29Xlt/qaN8K3oLquM3Y4
Ucg9dY281lRMWxaOIwrRfpj/HCVXV3/NlfZPZ7M1qLKCJsp7udvzwuDjMJPelSJN
FzTEfN+EiES8hQ8Vww3MxitqbNsw6oeyT3oZ
-----END CERTIFICATE REQUEST-----`;
const ed25519 = `-----BEGIN CERTIFICATE REQUEST-----
MIGNMEECAQAwDjEMMAoGA1UEAwwDYW5uMCowBQYDK2VwAyEAmkxbs2mocUAFKhZy
tOC2ThEJcbzNNUYVPHSr2udMM1ugADAFBgMrZXADQQDA6hyHDLYD0Xfd/FcxOmrX
kDP2xuiwZKeGoHCJt9uVbGtbKFEEwkUCdNK4uI4eKOsE+ela/88DilVAu8o17ekI
-----END CERTIFICATE REQUEST-----`;
const certificate = `-----BEGIN CERTIFICATE-----
MIIBFzCBvwIUTKL1gK2nXV3yos8ZNZ1+fRl2uCgwCgYIKoZIzj0EAwIwDjEMMAoG
A1UEAwwDYW5uMCAXDTI2MTEyMzExNTc0MFoYDzIxMjYxMDMwMTE1NzQwWjAOMQww
CgYDVQQDDANhbm4wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATO0e93oBWDNYmq
RlzkK2qnGVYv1tDlNLAvik0lallBBTQX3CGTLMBTY1ghp3+Q0lvfE5jiezxtI0ul
8vnXzNhWMAoGCCqGSM49BAMCA0cAMEQCIEjTt6V8ScgYJgbYx9oOzTPLO+Wgc3OB
OTUVsxGNTUpzAiAAsTbYtuY2Fhj25jbqvmhr6YLNWyn21+WAdb1+5ZV0Jg==
-----END CERTIFICATE-----`;

function pemOf(bytes: Buffer, type = 'CERTIFICATE REQUEST'): string {
  return `-----BEGIN ${type}-----\n${bytes.toString('base64')}\n-----END ${type}-----\n`;
}

/** The request with one byte another one, counted from its end. */
function forged(pem: string, fromEnd: number): string {
  const bytes = Buffer.from(pem.replace(/-----.*-----/g, ''), 'base64');
  const at = bytes.length - fromEnd;
  bytes[at] = bytes[at]! ^ 1;
  return pemOf(bytes);
}

/** What is under a request's signature, with one letter of the subject another one. */
function renamed(pem: string): string {
  const bytes = Buffer.from(pem.replace(/-----.*-----/g, ''), 'base64');
  bytes.write('bob', bytes.indexOf('ann'));
  return pemOf(bytes);
}

const cases: readonly [name: string, pem: string, mistake: string | undefined][] = [
  ['ECDSA', ec, undefined],
  ['RSA', rsa, undefined],
  ['RSA-PSS', pss, undefined],
  ['Ed25519', ed25519, undefined],
  ['text before, headers and text behind', `hello\n${ec.replace('-----\n', '-----\nA: b\n\n')}\nworld`, undefined],
  ['nothing', '', 'PEM block type must be CERTIFICATE REQUEST'],
  ['a certificate', certificate, 'PEM block type must be CERTIFICATE REQUEST'],
  ['no end', ec.slice(0, -40), 'PEM block type must be CERTIFICATE REQUEST'],
  ['a part', pemOf(Buffer.from([0x30, 0x82, 1, 1, 0])), 'asn1: syntax error: data truncated'],
  ['another thing', pemOf(Buffer.from([2, 1, 1])), 'asn1: structure error: not a certificate request'],
  ['more', pemOf(Buffer.from([0x30, 0, 0x30, 0])), 'asn1: syntax error: trailing data'],
  ['ECDSA by another', renamed(ec), 'x509: ECDSA verification failure'],
  ['RSA by another', renamed(rsa), 'crypto/rsa: verification error'],
  ['RSA-PSS by another', renamed(pss), 'crypto/rsa: verification error'],
  ['Ed25519 by another', renamed(ed25519), 'x509: Ed25519 verification failure'],
  ['a forged signature', forged(rsa, 1), 'crypto/rsa: verification error'],
];

for (const [name, pem, mistake] of cases) {
  test(`a request for a certificate: ${name}`, () => {
    assert.equal(requestMistake(pem), mistake);
  });
}

test('requests of a megabyte of nothing are found wrong at once', () => {
  const start = performance.now();
  assert.ok(requestMistake('-----BEGIN CERTIFICATE REQUEST-----\n'.repeat(40_000)));
  assert.ok(performance.now() - start < 1000);
});

test('what a signer may put into a request', () => {
  const table: readonly [string, string | undefined][] = [
    ['', undefined],
    [certificate, undefined],
    [`${certificate}\n${certificate}`, undefined],
    ['junk', 'must contain at least one CERTIFICATE PEM block'],
    [`${certificate}\n${ec}`, 'only CERTIFICATE PEM blocks are allowed, found "CERTIFICATE REQUEST"'],
    [certificate.replace('-----\n', '-----\nA: b\n\n'), 'no PEM block headers are permitted'],
    [pemOf(Buffer.from([0x30, 0]), 'CERTIFICATE'), 'x509: malformed certificate'],
    [pemOf(Buffer.alloc(0), 'CERTIFICATE'), 'found CERTIFICATE PEM block containing 0 certificates'],
  ];
  for (const [pem, mistake] of table) assert.equal(certificateMistake(pem), mistake);
});
