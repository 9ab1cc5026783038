import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../common/clock.ts';
import { seededRandom } from '../../common/random.ts';
import { serveKubeApi } from '../../sandbox/kube/api/https-carrier.ts';
import { inProcessKubeTransport } from '../../sandbox/kube/api/in-process.ts';
import { KubeApiServer } from '../../sandbox/kube/api/kube-api-server.ts';
import { kubeClient } from '../../sandbox/kube/kube-client.ts';
import { NodeContainers } from './container-process.ts';
import { type MeasuredProcess, startProcess } from './measured-process.ts';
import { NodePods } from './node-pods.ts';
import { openReportServers, type ReportServers } from './report-servers.ts';

/** Everything around agents, in this process: an API server, and the report servers of two coordinators. */
export interface NodeStand extends AsyncDisposable {
  readonly reports: ReportServers;
  /** A node without an agent. */
  openNode(name: string): Promise<StandNode>;
}

/** A node with its runtime. */
export interface StandNode {
  readonly pods: NodePods;
  readonly containers: NodeContainers;
  /** Starts `program`, which is a bundle with Node's flags before it, with the arguments of an agent. */
  start(program: readonly string[]): MeasuredProcess;
}

interface Surroundings {
  readonly clock: Clock;
  readonly folder: string;
  readonly reports: ReportServers;
  readonly agentArguments: readonly string[];
}

const ADMINISTRATOR = { username: 'bench', groups: ['system:masters', 'system:authenticated'] };
const COORDINATOR_NAME = 'coordinators.bench';
/** Whoever runs a bench does not want the rules of this machine changed. */
const NFT = fileURLToPath(new URL('../../sandbox/kube/kubelet/nft-main.ts', import.meta.url));

export async function openNodeStand(clock: Clock): Promise<NodeStand> {
  await using parts = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'clb-direct-bench-'));
  parts.defer(() => rm(folder, { recursive: true }));
  const stop = new AbortController();
  parts.defer(() => stop.abort());
  const server = new KubeApiServer({ clock, random: seededRandom(1) });
  const served = await serveKubeApi({ server, host: '127.0.0.1', port: 0, wallNowMs: clock.wallNow() });
  parts.defer(() => served.close());
  const reports = parts.use(await openReportServers(clock));
  const agentArguments = [
    `--kubeconfig=${await writeOwn(join(folder, 'kubeconfig'), kubeconfig(served, server.issueUserToken(ADMINISTRATOR)))}`,
    `--coordinator=${COORDINATOR_NAME}:${reports.port}`,
    `--coordinator-ca-file=${await writeOwn(join(folder, 'ca.crt'), reports.certificateAuthorityPem)}`,
  ];
  const surroundings = { clock, folder, reports, agentArguments };
  const client = kubeClient(inProcessKubeTransport({ server, user: ADMINISTRATOR, clock }), clock);
  const owned = parts.move();
  return {
    reports,
    async openNode(name) {
      const nodeFolder = join(folder, name);
      await mkdir(nodeFolder);
      const containers = await NodeContainers.open(nodeFolder, clock, owned);
      const pods = new NodePods({ client, nodeName: name, containers, signal: stop.signal });
      await writeNodeFiles(nodeFolder, name);
      return { pods, containers, start: program => startOn(name, program, surroundings) };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function writeNodeFiles(folder: string, nodeName: string): Promise<void> {
  await writeOwn(join(folder, 'token'), nodeName);
  const nft = `#!/bin/sh\nexec '${process.execPath}' '${NFT}' '${join(folder, 'nft.json')}' "$@"\n`;
  await writeFile(join(folder, 'nft'), nft, { mode: 0o700 });
}

async function writeOwn(path: string, text: string): Promise<string> {
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

function startOn(nodeName: string, program: readonly string[], surroundings: Surroundings): MeasuredProcess {
  const { clock, reports, agentArguments } = surroundings;
  const folder = join(surroundings.folder, nodeName);
  return startProcess({
    clock,
    arguments: [
      ...namesPreload(reports.addresses),
      ...program,
      ...agentArguments,
      `--node-name=${nodeName}`,
      '--node-address=127.0.0.9',
      `--token-file=${folder}/token`,
      `--runtime-socket=${folder}/runtime.sock`,
      `--nft-command=${folder}/nft`,
      '--http-listen=127.0.0.1:0',
      '--metadata-address=none',
      '--dbus-socket=none',
    ],
  });
}

/** As JSON, which takes no YAML parser: in a cluster the agent reads no kubeconfig at all. */
function kubeconfig({ url, caCertificatePem }: { url: string; caCertificatePem: string }, token: string): string {
  const cluster = { server: url, 'certificate-authority-data': Buffer.from(caCertificatePem).toString('base64') };
  return JSON.stringify({
    clusters: [{ name: 'bench', cluster }],
    users: [{ name: 'bench', user: { token } }],
    contexts: [{ name: 'bench', context: { cluster: 'bench', user: 'bench' } }],
    'current-context': 'bench',
  });
}

/** Stands for the cluster's DNS: one name for both coordinators. It looks a name up all the same, for what that costs. */
function namesPreload(addresses: readonly string[]): string[] {
  const found = JSON.stringify(addresses.map(address => ({ address, family: 4 })));
  const script = [
    `import dns from 'node:dns/promises';`,
    `import { syncBuiltinESMExports } from 'node:module';`,
    'const { lookup } = dns;',
    `dns.lookup = async () => { await lookup('localhost'); return ${found}; };`,
    'syncBuiltinESMExports();',
  ].join('');
  return ['--import', `data:text/javascript,${encodeURIComponent(script)}`];
}
