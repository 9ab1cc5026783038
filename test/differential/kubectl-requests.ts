/** What the kubectl verbs ask of the sandbox, by running them. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../common/clock.ts';
import type { KubeRequest } from '../../common/kube/transport.ts';
import { systemRandom } from '../../common/random.ts';
import { serveKubeApi } from '../../sandbox/kube/api/https-carrier.ts';
import { KubeApiServer } from '../../sandbox/kube/api/kube-api-server.ts';
import { kubeconfigYaml } from '../../sandbox/kube/api/kubeconfig.ts';
import type { KubeUser } from '../../sandbox/kube/api/user.ts';
import { kubectlVerbs } from './kubectl-verbs.ts';
import { requestShape } from './request-shape.ts';
import { deployment, ingress, pod, service } from './requests/bodies.ts';

const administrator = { username: 'admin', groups: ['system:masters', 'system:authenticated'] };
/** Some of the verbs wait for what never comes. */
const verbTimeoutMs = 20_000;

/** The shape of each request, with the command that made it first. */
export async function kubectlRequests(): Promise<ReadonlyMap<string, string>> {
  const clock = systemClock();
  const server = new KubeApiServer({ clock, random: systemRandom() });
  const shapes = new Map<string, string>();
  let command = '';
  const note = (request: KubeRequest, isWatch: boolean) => {
    const shape = requestShape(request, isWatch);
    if (!shapes.has(shape)) shapes.set(shape, command);
  };
  const recorded = {
    authenticate: (token: string) => server.authenticate(token),
    request(user: KubeUser | undefined, request: KubeRequest) {
      note(request, false);
      return server.request(user, request);
    },
    openWatch(user: KubeUser | undefined, request: KubeRequest) {
      note(request, true);
      return server.openWatch(user, request);
    },
  };
  const home = mkdtempSync(join(tmpdir(), 'kubectl-requests-'));
  const served = await serveKubeApi({ server: recorded, host: '127.0.0.1', port: 0, wallNowMs: clock.wallNow() });
  try {
    writeFileSync(join(home, 'config'), kubeconfigYaml({ ...served, token: server.issueUserToken(administrator) }));
    const manifest = join(home, 'manifest.json');
    writeFileSync(
      manifest,
      [deployment('web'), service('web'), ingress('web')].map(body => JSON.stringify(body)).join('\n'),
    );
    await furnish(server);
    for (const verb of kubectlVerbs) {
      command = `kubectl ${verb.join(' ')}`;
      await kubectl(
        home,
        verb.map(word => (word === 'MANIFEST' ? manifest : word)),
      );
    }
  } finally {
    await served.close();
    rmSync(home, { recursive: true, force: true });
  }
  return shapes;
}

async function furnish(server: KubeApiServer): Promise<void> {
  const make = (path: string, body: object) => server.request(administrator, { method: 'POST', path, body });
  await make('/api/v1/nodes', { metadata: { name: 'n1' } });
  for (const name of ['lone', 'other']) await make('/api/v1/namespaces/default/pods', pod(name, { nodeName: 'n1' }));
}

/** Whatever becomes of it: what it asked for counts. */
function kubectl(home: string, args: readonly string[]): Promise<void> {
  const env = { PATH: process.env.PATH, HOME: home, KUBECONFIG: join(home, 'config') };
  return new Promise(resolve => {
    execFile('kubectl', args, { env, timeout: verbTimeoutMs }, () => resolve());
  });
}
