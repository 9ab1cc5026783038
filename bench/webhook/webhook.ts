import { loadavg } from 'node:os';
import { type Clock, sleep } from '../../common/clock.ts';
import type { PodSpec } from '../../common/kube/objects.ts';
import type { Benchmark, BenchmarkContext, BenchmarkResult } from '../benchmark.ts';
import { numberTable } from '../number-table.ts';
import { quantile } from '../quantile.ts';
import { type ClusterSize, NAMESPACE } from './served-webhook.ts';
import { startWebhook, type WebhookProcess } from './webhook-process.ts';

const P99_MAX_MS = 5;
const NEVER = new AbortController().signal;
const SIZE: ClusterSize = { namespaces: 500, services: 2_000 };
const WARM_UP = { reviews: 1_000, perSecond: 500 };
/** A rollout of some hundreds of Pods asks for tens a second; the most is what an API server would hardly do. */
const LOADS = [
  { reviews: 2_000, perSecond: 100 },
  { reviews: 4_000, perSecond: 500 },
];
/** As in a manifest with everything: a review of about 20 KiB. */
const VARIABLES = 150;

interface Row {
  readonly pod: string;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export const webhook: Benchmark = {
  name: 'webhook',
  summary: 'how long admissions of Pods take over TLS, in a replica that knows 2,000 Services and 500 namespaces',
  run,
};

async function run({ clock, say }: BenchmarkContext): Promise<BenchmarkResult> {
  const process = await startWebhook(SIZE);
  const rows: Row[] = [];
  for (const [pod, review] of Object.entries(REVIEWED)) {
    await timesOf(clock, process, review, WARM_UP);
    for (const load of LOADS) {
      say(`webhook: ${pod}, ${load.perSecond} a second`);
      const times = await timesOf(clock, process, review, load);
      const [p50Ms, p99Ms, maxMs] = [quantile(times, 0.5), quantile(times, 0.99), Math.max(...times)];
      rows.push({ pod, perSecond: load.perSecond, p50Ms, p99Ms, maxMs });
    }
  }
  await process.close();
  return { text: textOf(rows), json: { rows, ...SIZE }, missedGoals: rows.flatMap(missed) };
}

/** Reviews come at their times whether or not the ones before were answered. @returns from then to each answer */
async function timesOf(clock: Clock, { ask }: WebhookProcess, review: string, load: (typeof LOADS)[number]) {
  const times: number[] = [];
  const startsAt = clock.now();
  const asked: Promise<void>[] = [];
  for (let index = 0; index < load.reviews; index += 1) {
    const at = startsAt + (index * 1_000) / load.perSecond;
    if (at > clock.now()) await sleep(clock, at - clock.now(), NEVER);
    const sentAt = clock.now();
    asked.push(ask(review).then(() => void times.push(clock.now() - sentAt)));
  }
  await Promise.all(asked);
  return times;
}

function textOf(rows: readonly Row[]): string {
  const ms = (value: number) => `${value.toFixed(2)} ms`;
  const cells = rows.map(({ pod, perSecond, p50Ms, p99Ms, maxMs }) => [
    pod,
    String(perSecond),
    ms(p50Ms),
    ms(p99Ms),
    ms(maxMs),
  ]);
  const table = numberTable([['Pod', 'a second', 'p50', 'p99', 'longest'], ...cells]);
  const words = [
    'From sending a review to its answer read, over TLS connections that stay open, the webhook in a process of its own that',
    `knows ${SIZE.services} claimed Services in the namespace of the Pods and ${SIZE.namespaces} namespaces. Load average ${loadavg()[0]?.toFixed(1)}.`,
  ];
  return [...words, '', table].join('\n');
}

function missed({ pod, perSecond, p99Ms }: Row): string[] {
  return p99Ms <= P99_MAX_MS
    ? []
    : [`webhook: ${pod}, ${perSecond} a second: p99 ${p99Ms.toFixed(2)} ms is more than ${P99_MAX_MS} ms`];
}

const REVIEWED: Readonly<Record<string, string>> = {
  'on an ENI': reviewOf({ app: 'other' }, { 'tke.cloud.tencent.com/networks': 'tke-route-eni' }, 0),
  'selected by the last Service': reviewOf({ app: `app-${SIZE.services - 1}`, tier: 'front' }, {}, 0),
  'on an ENI, large': reviewOf({ app: 'other' }, { 'tke.cloud.tencent.com/networks': 'tke-route-eni' }, VARIABLES),
};

function reviewOf(labels: Record<string, string>, annotations: Record<string, string>, variables: number): string {
  const env = Array.from({ length: variables }, (_, index) => ({ name: `VARIABLE_${index}`, value: 'x'.repeat(100) }));
  const spec: PodSpec = {
    containers: ['web', 'log'].map(name => ({ name, image: 'registry.example.com/shop/web:1.2.3', env })),
    terminationGracePeriodSeconds: 30,
  };
  const request = {
    uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    namespace: NAMESPACE,
    operation: 'CREATE',
    object: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { generateName: 'web-', namespace: NAMESPACE, labels, annotations },
      spec,
    },
  };
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
}
