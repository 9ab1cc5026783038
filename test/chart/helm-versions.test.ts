import { beforeAll, expect, test } from 'vitest';
import { findHelm, type Helm } from './helm.ts';
import { variants } from './variants.ts';

const BUILD_TIMEOUT_MS = 900_000;
const RENDER_TIMEOUT_MS = 60_000;

let helms: readonly [Helm, Helm] | string = '';

beforeAll(async () => {
  const four = await findHelm(4);
  const three = await findHelm(3);
  if (typeof four === 'string') helms = four;
  else helms = typeof three === 'string' ? three : [three, four];
}, BUILD_TIMEOUT_MS);

test.for(Object.entries(variants))(
  'helm 3 makes of the chart what helm 4 does: %s',
  { timeout: RENDER_TIMEOUT_MS },
  async ([, values], { skip }) => {
    if (typeof helms === 'string') return skip(helms);
    const [three, four] = await Promise.all(helms.map(helm => helm.render(values)));
    expect(three?.length).toBeGreaterThan(10);
    expect(three).toEqual(four);
  },
);

test('helm 3 refuses what helm 4 refuses', async ({ skip }) => {
  if (typeof helms === 'string') return skip(helms);
  const wrong = [{ cloud: { region: '' } }, { coordinator: { replica: 1 } }, { agent: { drainSeconds: 601 } }];
  for (const helm of helms) for (const values of wrong) await expect(helm.render(values)).rejects.toThrow();
});
