import { beforeAll, expect, test } from 'vitest';
import { productRequests } from '../product-requests/product-requests.ts';
import { findHelm, type Rendered } from './helm.ts';
import { type Deed, deedOf, rightsOf } from './rights.ts';

const BUILD_TIMEOUT_MS = 900_000;

let missing: string | undefined;
let objects: readonly Rendered[] = [];
const deeds = { coordinator: [] as Deed[], agent: [] as Deed[], release: [] as Deed[] };

beforeAll(async () => {
  const helm = await findHelm();
  if (typeof helm === 'string') {
    missing = helm;
    return;
  }
  objects = await helm.render();
  for (const { process, request, isWatch } of await productRequests()) deeds[process].push(deedOf(request, isWatch));
}, BUILD_TIMEOUT_MS);

/** Rights that no run here uses, each with who does. */
const usedElsewhere: Readonly<Record<string, string>> = {
  'coordinator: get services': 'service-status.ts reads a Service again that changed while it was written',
  'coordinator: get ingresses.networking.k8s.io': 'and so an Ingress',
  'coordinator: get jobs.batch': 'pod-owners.ts, for a Pod of a Job',
  'agent: get pods': 'deletion-question.ts, when preStop is called before the watch has told of a deletion',
  'agent: get nodes': 'agent --check, whether the node is called so',
};

test.for(['coordinator', 'agent', 'release'] as const)(
  'the %s may do what it does, and nothing more',
  (process, { skip }) => {
    if (missing !== undefined) return skip(missing);
    const rights = rightsOf(objects, `clb-direct-${process}`);
    const refused = deeds[process].filter(deed => !rights.some(right => right.allows(deed)));
    expect([...new Set(refused.map(deed => JSON.stringify(deed)))]).toEqual([]);
    const idle = rights.filter(right => !deeds[process].some(deed => right.allows(deed)));
    const unused = idle.map(({ text }) => `${process}: ${text}`).filter(text => usedElsewhere[text] === undefined);
    expect(unused).toEqual([]);
  },
);
