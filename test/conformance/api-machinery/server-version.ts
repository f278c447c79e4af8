import assert from 'node:assert/strict';
import type { Suite } from '../suite.ts';

export default function register({ conformance }: Suite): void {
  conformance('[sig-api-machinery] server version should find the server version', async ({ api }) => {
    const { major, minor, gitVersion, platform } = await api.get('/version');
    assert.match(major, /^\d+$/);
    assert.match(minor, /^\d+$/);
    assert.ok(gitVersion.startsWith(`v${major}.${minor}.`), gitVersion);
    assert.match(platform, /^linux\//);
  });
}
