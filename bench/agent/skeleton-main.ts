/**
 * Nothing of the product but what it stands on: for the agent's arguments, a report stream to each coordinator, a watch of
 * the node's Pods, and metrics over HTTP. What an agent takes beyond it is ours.
 */
import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Agent, get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { credentials, Metadata } from '@grpc/grpc-js';
import { pino } from 'pino';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { systemClock } from '../../common/clock.ts';
import { ReportServiceClient } from '../../proto/gen/clbdirect/v1/report.ts';

const HEARTBEAT_MS = 3_000;

const { values } = parseArgs({ strict: false });
const option = (name: string) => String(values[name]);
const clock = systemClock();
const log = pino(pino.destination({ dest: 1, sync: true }));
const registry = new Registry();
collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 1_000 });

const server = createServer(async (_, response) => response.end(await registry.metrics()));
server.listen(0, '127.0.0.1', () => log.info({ metricsPort: (server.address() as AddressInfo).port }));

const [host = '', port = ''] = option('coordinator').split(':');
for (const { address } of await lookup(host, { all: true })) openStream(`${address}:${port}`);
watchPods();

function openStream(address: string): void {
  const authority = readFileSync(option('coordinator-ca-file'));
  const client = new ReportServiceClient(address, credentials.createSsl(authority), {
    'grpc.ssl_target_name_override': 'clb-direct-coordinator',
    'grpc.keepalive_time_ms': HEARTBEAT_MS,
    'grpc.use_local_subchannel_pool': 1,
  });
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${readFileSync(option('token-file'), 'utf8')}`);
  const call = client.report(metadata);
  call.on('error', error => log.error(error)).on('data', () => {});
  const hello = { nodeName: option('node-name'), epoch: 'skeleton', agentVersion: '0', startedAtMs: 0 };
  call.write({ message: { $case: 'hello', value: hello } });
  const beat = () => {
    call.write({ message: { $case: 'heartbeat', value: { blind: false } } });
    clock.schedule(HEARTBEAT_MS, beat);
  };
  beat();
}

function watchPods(): void {
  const { clusters, users } = JSON.parse(readFileSync(option('kubeconfig'), 'utf8'));
  const { server: url, 'certificate-authority-data': authority } = clusters[0].cluster;
  const agent = new Agent({ ca: Buffer.from(authority, 'base64') });
  const headers = { authorization: `Bearer ${users[0].user.token}` };
  const path = `/api/v1/pods?watch=true&fieldSelector=spec.nodeName%3D${option('node-name')}`;
  get(`${url}${path}`, { agent, headers }, answer => answer.resume());
}
