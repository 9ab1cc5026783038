import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { IngressEstate } from '../compatibility/ingress-estate.ts';
import { MINUTE_MS } from '../simulation/load-balancers/estate.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const CLOUD = join(REPOSITORY, 'coordinator/cloud');
const ACTION = /'((?:Batch|Create|Delete|Describe|Manual|Modify|Set)[A-Za-z]+)'/g;
/** Of the same shape, and no action. */
const ATTRIBUTES = new Set(['DeleteProtect']);

/** The actions of the policy in docs/install.md, without `clb:`. */
function allowed(): readonly string[] {
  const page = readFileSync(join(REPOSITORY, 'docs/install.md'), 'utf8');
  const [, text = ''] = /<!-- cam-policy -->\n```json\n([\s\S]*?)```/.exec(page) ?? [];
  const { statement } = JSON.parse(text) as { statement: { action: string[] }[] };
  return statement.flatMap(({ action }) => action.map(name => name.replace('clb:', '')));
}

test('the CAM policy allows every action that the code names, and no other', () => {
  const files = readdirSync(CLOUD).filter(file => /^[a-z-]+\.ts$/.test(file));
  const sources = files.map(file => readFileSync(join(CLOUD, file), 'utf8'));
  const named = sources.flatMap(source => [...source.matchAll(ACTION)].map(([, action = '']) => action));
  expect(allowed()).toEqual([...new Set(named)].filter(action => !ATTRIBUTES.has(action)).toSorted());
});

test('the CAM policy allows every call that Services and Ingresses cause in their lives', async () => {
  const made = await IngressEstate.make({ seed: 1 });
  const { estate } = made;
  await made.secret('certificate', 'cert-one');
  await made.backend('web');
  const annotations = { 'ingress.cloud.tencent.com/auto-rewrite': 'true' };
  await made.write('front', { rules: [['a.com', '/']], tls: [{ secretName: 'certificate' }], annotations });
  await estate.untilReady('web', 2);
  await estate.open('shop', 2, { annotations: { 'service.cloud.tencent.com/security-groups': 'sg-1' } });
  await estate.annotate('shop', { 'service.kubernetes.io/qcloud-loadbalancer-internet-max-bandwidth-out': '7' });
  await estate.roll('shop');
  await estate.deleteService('shop');
  await estate.passes(MINUTE_MS);
  const { journal } = estate.world;
  await estate.world.close();
  const called = new Set(journal.flatMap(record => (record.kind === 'call' ? [record.action] : [])));
  expect(called.size).toBeGreaterThan(14);
  expect([...called].filter(action => !allowed().includes(action))).toEqual([]);
});
