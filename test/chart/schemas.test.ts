import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtPrograms } from '../cluster/build.ts';
import { runCommand } from '../cluster/command.ts';
import { clusterSettings } from '../cluster/settings.ts';
import { findHelm, type Helm, isInPath, type Rendered } from './helm.ts';
import { schemaLocation, writeSchemas } from './kubernetes-schemas.ts';
import { variants } from './variants.ts';

const BUILD_TIMEOUT_MS = 900_000;
const TIMEOUT_MS = 60_000;
/** Kinds whose schemas are their operators'. */
const OPERATORS = ['PodMonitor', 'ServiceMonitor', 'PrometheusRule', 'Certificate'];

const folder = mkdtempSync(join(tmpdir(), 'clb-direct-schemas-'));
let missing: string | undefined;
let helm: Helm;
let kubeconform: string;

beforeAll(async () => {
  const found = await findHelm();
  if (typeof found === 'string' || !isInPath('go')) {
    missing = typeof found === 'string' ? found : "there is no Go to fetch Kubernetes' schemas; see https://go.dev/dl/";
    return;
  }
  helm = found;
  kubeconform = join(await builtPrograms(clusterSettings({}), 'kubeconform', () => {}), 'kubeconform');
  await writeSchemas(folder);
}, BUILD_TIMEOUT_MS);

afterAll(() => rmSync(folder, { recursive: true }));

/** What is wrong with the objects, each with its name; empty when nothing is. */
async function faults(objects: readonly Rendered[]): Promise<readonly string[]> {
  const options = [
    '-strict',
    '-output=json',
    `-skip=${OPERATORS.join()}`,
    `-schema-location=${schemaLocation(folder)}`,
  ];
  const input = objects.map(object => JSON.stringify(object)).join('\n---\n');
  const { stdout } = await runCommand([kubeconform, ...options], { input }).catch(error => {
    if (error.output?.stdout) return error.output as { stdout: string };
    throw error;
  });
  const { resources } = JSON.parse(stdout) as { resources: { kind: string; name: string; msg: string }[] };
  return resources.map(({ kind, name, msg }) => `${kind} ${name}: ${msg}`);
}

test.for(Object.entries(variants))(
  'every object is what the schemas of Kubernetes say: %s',
  { timeout: TIMEOUT_MS },
  async ([, values], { skip }) => {
    if (missing !== undefined) return skip(missing);
    expect(await faults(await helm.render(values))).toEqual([]);
  },
);

test('a field that a kind does not have, or of another type, is found', { timeout: TIMEOUT_MS }, async ({ skip }) => {
  if (missing !== undefined) return skip(missing);
  const metadata = { name: 'odd' };
  const service = { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ port: '80', colour: 'red' }] } };
  expect(await faults([service])).toEqual([expect.stringMatching(/^Service odd: .*colour/s)]);
});
