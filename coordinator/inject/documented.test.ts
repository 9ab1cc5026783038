import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import { podHook } from '../../common/pods/pod-hook.ts';
import { DEFAULT_INJECTION_POLICY } from '../webhook/inject.ts';
import { injectManifests } from './inject-manifests.ts';

const page = readFileSync(new URL('../../docs/injection.md', import.meta.url), 'utf8');
const manifests = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)]
  .map(([, text = '']) => text)
  .filter(text => text.includes('kind: '));

test.each(manifests.map(text => [parse(text).kind, text] as const))(
  'the static %s of docs/injection.md lacks nothing that the webhook would add',
  (_kind, text) => {
    const { text: injected, remarks } = injectManifests(text, DEFAULT_INJECTION_POLICY);
    expect(remarks).toEqual([expect.stringMatching(/left as it is$/)]);
    expect(injected).toBe(text);
  },
);

test('the static DaemonSet of docs/injection.md has a token that agents take', () => {
  const daemonSet = manifests.map(text => parse(text)).find(({ kind }) => kind === 'DaemonSet');
  const pod = { metadata: { name: 'gateway-1' }, spec: daemonSet.spec.template.spec };
  expect(podHook(pod, DEFAULT_INSTANCE.hookPort)).toEqual({ type: 'token', token: 'gateway-4f1c2b7a9e6d' });
});
