import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { type Clock, sleep } from '../../common/clock.ts';
import { httpsKubeTransport } from '../../common/kube/https-transport.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import { systemRandom } from '../../common/random.ts';
import { httpsAdmissionCaller } from '../../sandbox/kube/api/https-admission.ts';
import { serveKubeApi } from '../../sandbox/kube/api/https-carrier.ts';
import { inProcessKubeTransport } from '../../sandbox/kube/api/in-process.ts';
import { KubeApiServer } from '../../sandbox/kube/api/kube-api-server.ts';
import { runControllers } from '../../sandbox/kube/controllers/run-controllers.ts';
import type { KubeletRecord } from '../../sandbox/kube/kubelet/kubelet-record.ts';
import { modelledNetwork } from '../../sandbox/kube/kubelet/modelled-network.ts';
import { type ModelledProgram, ModelledRuntime } from '../../sandbox/kube/kubelet/modelled-runtime.ts';
import { type NodeHttpGet, type NodeNetwork, NodeNetworkError } from '../../sandbox/kube/kubelet/node-network.ts';
import { noVolumes } from '../../sandbox/kube/kubelet/pod-volumes.ts';
import { type KubeletOptions, runKubelet } from '../../sandbox/kube/kubelet/run-kubelet.ts';
import type { Side } from './side.ts';
import { sandboxMoments } from './stories/sandbox-moments.ts';

const administrator = { username: 'admin', groups: ['system:masters', 'system:authenticated'] };
/** Few, so that a version of the beginning is soon gone; enough for the watches of all stories at once. */
const historyLimit = 200;
/** As prompt as a real kubelet: otherwise two changes of a status may become one update, and a story loses a step. */
const timing = { statusMs: { min: 10, max: 10 }, startMs: { min: 500, max: 500 } };
const crashAfterMs = 500;
const crashExitCode = 3;
/** Only the observer has it; all other addresses are those of Pods. */
const observerHost = '127.0.0.1';
const pollMs = 20;

/** The sandbox in real time: its API server over HTTPS, its controllers, and three kubelets over modelled containers. */
export async function startSandboxSide(
  clock: Clock,
  { hooks, observer }: Pick<Side, 'hooks' | 'observer'>,
): Promise<Side & AsyncDisposable> {
  const random = systemRandom();
  const server = new KubeApiServer({ clock, random, historyLimit, admissionCaller: httpsAdmissionCaller() });
  const served = await serveKubeApi({ server, host: '127.0.0.1', port: 0, wallNowMs: clock.wallNow() });
  const stop = new AbortController();
  const inside = inProcessKubeTransport({ server, user: administrator, clock });
  const base = { transport: inside, clock, random, log: () => undefined };
  const records: KubeletRecord[] = [];
  const nodes = [1, 2, 3].map(number => sandboxNode({ ...base, number, record: record => records.push(record) }));
  const controllers = runControllers(base, stop.signal);
  const token = server.issueUserToken(administrator);
  const transport = httpsKubeTransport({
    server: served.url,
    certificateAuthority: served.caCertificatePem,
    bearerToken: { type: 'fixed', token },
  });
  return {
    clock,
    name: 'sandbox',
    nodes: nodes.map(({ name }) => name),
    programs: { obedient: { image: 'obedient' }, stubborn: { image: 'stubborn' }, crashing: { image: 'crashing' } },
    transport,
    hooks,
    observer,
    observerHost,
    moments: uid => sandboxMoments(records.filter(({ podUid }) => podUid === uid)),
    restartKubelet: async node => nodes[node]?.restart(),
    // Its nodes do so of their own accord.
    giveLowestAddress: async () => undefined,
    async addressFreed(node, address) {
      for (;;) {
        const isFreed = ({ type, nodeName, podIp }: KubeletRecord) =>
          type === 'addressReleased' && nodeName === nodes[node]?.name && podIp === address;
        const freed = records.find(isFreed);
        if (freed) return freed.atMs;
        await sleep(clock, pollMs, stop.signal);
      }
    },
    forget: () => outliveHistory(transport),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.allSettled([controllers, ...nodes.map(node => node.stop())]);
      await served.close();
    },
  };
}

type SandboxNodeOptions = Pick<KubeletOptions, 'transport' | 'clock' | 'random' | 'log' | 'record'> & {
  readonly number: number;
};

/** A kubelet that can be started anew over the containers that it left. */
function sandboxNode({ number, ...base }: SandboxNodeOptions) {
  const { clock } = base;
  const containers = new ModelledRuntime({ programOf: image => programs(clock)[image] });
  const node = {
    name: `node${number}`,
    address: `10.0.0.${number}`,
    podCidr: `10.244.${number}.0/24`,
    providerId: `sandbox:///node${number}`,
    capacity: { cpu: '8', memory: '16Gi' },
  };
  const pods = modelledNetwork({ clock, containers, latencyMs: 1, redirect: () => undefined });
  const options = { ...base, node, containers, network: withObserver(pods), volumes: noVolumes(), timing };
  const start = () => {
    const stop = new AbortController();
    return { stop, ended: runKubelet(options, stop.signal) };
  };
  let kubelet = start();
  const end = async () => {
    kubelet.stop.abort();
    await kubelet.ended;
  };
  return {
    name: node.name,
    stop: end,
    async restart() {
      await end();
      kubelet = start();
    },
  };
}

/** The observer over sockets, Pods in the model. */
function withObserver(pods: NodeNetwork): NodeNetwork {
  return {
    connect: (target, signal) => pods.connect(target, signal),
    httpGet: (request, signal) =>
      request.host === observerHost ? getOverSocket(request, signal) : pods.httpGet(request, signal),
  };
}

function getOverSocket({ host, port, path, headers }: NodeHttpGet, signal: AbortSignal): Promise<{ status: number }> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host, port, path, headers, agent: false, signal }, response => {
      response.resume();
      resolve({ status: response.statusCode ?? 0 });
    });
    sent.on('error', cause => reject(new NodeNetworkError(cause.message, { cause })));
    sent.end();
  });
}

/** Writes more Events than the history of one kind keeps. */
async function outliveHistory(transport: KubeTransport): Promise<void> {
  const path = '/api/v1/namespaces/default/events';
  for (let number = 0; number <= 2 * historyLimit; number += 1) {
    const involvedObject = { kind: 'Pod', namespace: 'default', name: 'none' };
    const body = { apiVersion: 'v1', kind: 'Event', metadata: { name: `history-${number}` }, involvedObject };
    const { status } = await transport.request({ method: 'POST', path, body }, new AbortController().signal);
    assert.equal(status, 201);
  }
}

function programs(clock: Clock): Record<string, ModelledProgram> {
  const obedient: ModelledProgram = process => process.onTerm(() => process.exit(0));
  return {
    // What the table of requests uses.
    pause: obedient,
    obedient,
    stubborn: process => process.onTerm(() => undefined),
    crashing: process => {
      clock.schedule(crashAfterMs, () => process.exit(crashExitCode));
    },
  };
}
