import assert from 'node:assert/strict';
import type { Clock } from '../../common/clock.ts';
import { httpsKubeTransport } from '../../common/kube/https-transport.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import { systemRandom } from '../../common/random.ts';
import { httpsAdmissionCaller } from '../../sandbox/kube/api/https-admission.ts';
import { serveKubeApi } from '../../sandbox/kube/api/https-carrier.ts';
import { inProcessKubeTransport } from '../../sandbox/kube/api/in-process.ts';
import { KubeApiServer } from '../../sandbox/kube/api/kube-api-server.ts';
import { runControllers } from '../../sandbox/kube/controllers/run-controllers.ts';
import { modelledNetwork } from '../../sandbox/kube/kubelet/modelled-network.ts';
import { type ModelledProgram, ModelledRuntime } from '../../sandbox/kube/kubelet/modelled-runtime.ts';
import { noVolumes } from '../../sandbox/kube/kubelet/pod-volumes.ts';
import { runKubelet } from '../../sandbox/kube/kubelet/run-kubelet.ts';
import type { Side } from './side.ts';

const administrator = { username: 'admin', groups: ['system:masters', 'system:authenticated'] };
/** Few, so that a version of the beginning is soon gone. */
const historyLimit = 20;
/** As prompt as a real kubelet: otherwise two changes of a status may become one update, and a story loses a step. */
const timing = { statusMs: { min: 10, max: 10 }, startMs: { min: 500, max: 500 } };
const crashAfterMs = 1_500;
const crashExitCode = 3;

/** The sandbox in real time: its API server over HTTPS, its controllers, and one kubelet over modelled containers. */
export async function startSandboxSide(clock: Clock, hooks: Side['hooks']): Promise<Side & AsyncDisposable> {
  const random = systemRandom();
  const server = new KubeApiServer({ clock, random, historyLimit, admissionCaller: httpsAdmissionCaller() });
  const served = await serveKubeApi({ server, host: '127.0.0.1', port: 0, wallNowMs: clock.wallNow() });
  const stop = new AbortController();
  const inside = inProcessKubeTransport({ server, user: administrator, clock });
  const base = { transport: inside, clock, random, log: () => undefined };
  const containers = new ModelledRuntime({ programOf: image => programs(clock)[image] });
  const node = {
    name: 'node1',
    address: '10.0.0.1',
    podCidr: '10.244.1.0/24',
    providerId: 'sandbox:///node1',
    capacity: { cpu: '8', memory: '16Gi' },
  };
  const network = modelledNetwork({ clock, containers, latencyMs: 1, redirect: () => undefined });
  const kubelet = { ...base, node, containers, network, volumes: noVolumes(), timing, record: () => undefined };
  const loops = [runControllers(base, stop.signal), runKubelet(kubelet, stop.signal)];
  const token = server.issueUserToken(administrator);
  const transport = httpsKubeTransport({
    server: served.url,
    certificateAuthority: served.caCertificatePem,
    bearerToken: { type: 'fixed', token },
  });
  return {
    clock,
    node: node.name,
    crashImage: 'crash',
    transport,
    hooks,
    forget: () => outliveHistory(transport),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.allSettled(loops);
      await served.close();
    },
  };
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

/** What the real cluster's images of these names do. */
function programs(clock: Clock): Record<string, ModelledProgram> {
  const endsOnTerm: ModelledProgram = process => process.onTerm(() => process.exit(0));
  return {
    pause: endsOnTerm,
    echo: process => {
      process.listen(80);
      endsOnTerm(process);
    },
    crash: process => {
      clock.schedule(crashAfterMs, () => process.exit(crashExitCode));
    },
  };
}
