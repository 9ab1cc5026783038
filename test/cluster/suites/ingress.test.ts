import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sleep, systemClock } from '../../../common/clock.ts';
import type { Ingress } from '../../../common/kube/objects.ts';
import { systemRandom } from '../../../common/random.ts';
import { reportText } from '../../../sandbox/load/report-text.ts';
import { runLoad } from '../../../sandbox/load/run-load.ts';
import { socketTransport } from '../../../sandbox/load/socket-transport.ts';
import type { LoadReport } from '../../../sandbox/load/tally.ts';
import { openCluster } from '../harness.ts';
import { servingPods } from '../product/change-under-load.ts';
import { backend, certificateSecret, ingress } from '../product/ingress-objects.ts';
import { clientAddressPrefix } from '../product/names.ts';
import { type Product, startProduct } from '../product/product.ts';
import { waitUntil } from '../wait.ts';

/** What clients ask for, and the Deployment whose Pods are to answer. */
interface Site {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly path: string;
  readonly app: string;
}

const clock = systemClock();
const cluster = openCluster(clock, process.env.CLB_DIRECT_CLUSTER);
const apps = ['shop', 'api'];
const replicas = 2;
const rules = [
  { host: 'a.example.com', path: '/', app: 'shop' },
  { host: 'a.example.com', path: '/api', app: 'api' },
  { host: 'b.example.com', path: '/', app: 'api' },
];
const certificates = { 'a.example.com': 'cert-a', 'b.example.com': 'cert-b' };
const objects = [
  ingress('front', rules, certificates),
  ...apps.flatMap(app => backend(app, replicas)),
  ...Object.values(certificates).map(certificateSecret),
];
const sites: readonly Site[] = (['http', 'https'] as const).flatMap(scheme => [
  { scheme, host: 'a.example.com', path: '/', app: 'shop' },
  { scheme, host: 'a.example.com', path: '/api/users', app: 'api' },
  { scheme, host: 'b.example.com', path: '/', app: 'api' },
]);
const ratePerSecond = 20;
const keepAliveClients = 3;
/** About 8 s, well below the drain budget. */
const keepAliveRequests = 16;
const clientsPerSite = 10;
const durationMaxMs = 300_000;
const aroundMs = 2_000;
const startTimeoutMs = 60_000;
const changeTimeoutMs = 180_000;

let product: Product;
let virtualAddress = '';

beforeAll(async () => {
  product = await startProduct(clock, cluster);
  await onObjects(['apply'], objects);
  virtualAddress = await waitUntil(clock, 'the address of the Ingress', startTimeoutMs, async () => {
    const { status } = await cluster.get<Ingress>(['ingress', 'front']);
    return status?.loadBalancer?.ingress?.[0]?.ip;
  });
  for (const app of apps) await rolledOut(app);
  for (const host of Object.keys(certificates)) {
    await waitUntil(clock, `${host} over HTTPS`, startTimeoutMs, () => certificateOf(host).catch(() => undefined));
  }
}, 180_000);

afterAll(async () => {
  // While there are coordinators: the Ingress waits for them to give its load balancer back.
  await cluster
    .leaveClean(() => onObjects(['delete', '--ignore-not-found', '--timeout=60s'], objects))
    .finally(() => product?.stop());
}, 120_000);

function onObjects(command: readonly string[], items: readonly object[]): Promise<string> {
  return cluster.kubectl([...command, '--filename=-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}

function rolledOut(app: string): Promise<string> {
  return cluster.kubectl(['rollout', 'status', `deployment/${app}`, '--timeout=120s']);
}

function portOf({ scheme }: Site): number {
  return scheme === 'https' ? 443 : 80;
}

/** Clients of one host and path; an answer of another application's Pod is lost. */
function load(site: Site, number: number, signal: AbortSignal): Promise<LoadReport> {
  const { scheme, host, path, app } = site;
  const first = 1 + number * clientsPerSite;
  const options = {
    transport: socketTransport({
      host: virtualAddress,
      port: portOf(site),
      hostHeader: host,
      isSecure: scheme === 'https',
    }),
    clientAddresses: Array.from({ length: clientsPerSite }, (_, index) => `${clientAddressPrefix}${first + index}`),
    isExpectedPod: (pod: string) => pod.startsWith(`${app}-`),
  };
  const kept = { keepAliveClients, keepAliveGapMaxMs: 1_000, keepAliveRequests };
  const long = { longClients: 0, longPath: '/slow', longTimeoutMs: 30_000 };
  const limits = { rate: ratePerSecond, durationMs: durationMaxMs, timeoutMs: 10_000, inFlightMax: 1_000 };
  return runLoad({ ...options, ...kept, ...long, ...limits, clock, random: systemRandom(), path }, signal);
}

/** The common name of the certificate that a client of the host is shown: CLB's stand-in names it after the id. */
function certificateOf(host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: virtualAddress, port: 443, servername: host, rejectUnauthorized: false });
    socket.once('error', reject).once('secureConnect', () => {
      const { CN } = socket.getPeerCertificate().subject;
      socket.destroy();
      resolve(String(CN));
    });
  });
}

describe('an Ingress over HTTP and HTTPS', () => {
  test('shows each host its own certificate', async () => {
    for (const [host, certificate] of Object.entries(certificates)) expect(await certificateOf(host)).toBe(certificate);
  });

  test(
    'leads every host and path to its own Pods and loses nothing in a rolling update of all of them',
    async () => {
      const selectors = apps.map(app => `app=${app}`);
      const podUids = async () => {
        const pods = await Promise.all(selectors.map(selector => servingPods(cluster, selector)));
        return pods.flat().map(({ metadata }) => metadata.uid);
      };
      const before = await podUids();
      const stop = new AbortController();
      const loads = sites.map((site, number) => load(site, number, stop.signal));
      await sleep(clock, aroundMs, stop.signal);
      await cluster.kubectl(['rollout', 'restart', ...apps.map(app => `deployment/${app}`)]);
      for (const app of apps) await rolledOut(app);
      await waitUntil(clock, 'the Pods to go', changeTimeoutMs, async () => {
        const now = await podUids();
        return before.every(uid => !now.includes(uid));
      });
      await sleep(clock, aroundMs, stop.signal);
      stop.abort();
      const reports = await Promise.all(loads);
      for (const [index, report] of reports.entries()) {
        const { scheme, host, path } = sites[index] as Site;
        process.stdout.write(`\n${scheme}://${host}${path}\n${reportText(report)}\n`);
      }
      for (const { losses, lostTotal, notSent, endedByApplication, answersByPod } of reports) {
        expect(losses).toEqual([]);
        expect(lostTotal + notSent + endedByApplication).toBe(0);
        // Those that went and those that came.
        expect(Object.keys(answersByPod).length).toBe(2 * replicas);
      }
    },
    changeTimeoutMs + 120_000,
  );

  test('serves a certificate that is put in the place of another', async () => {
    await onObjects(['apply'], [{ ...certificateSecret('cert-a'), stringData: { qcloud_cert_id: 'cert-new' } }]);
    await waitUntil(clock, 'the new certificate', startTimeoutMs, async () => {
      return (await certificateOf('a.example.com')) === 'cert-new';
    });
    expect(await certificateOf('b.example.com')).toBe('cert-b');
  });
});
