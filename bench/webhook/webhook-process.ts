import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request as sendRequest } from 'node:https';
import { join } from 'node:path';
import type { ClusterSize, ServedWebhook } from './served-webhook.ts';

export interface WebhookProcess {
  /** Sends a review over connections that stay open, as the API server does; resolves when its answer was read. */
  ask(review: string): Promise<void>;
  close(): Promise<void>;
}

const CHILD = join(import.meta.dirname, 'serve-main.ts');
const SERVER_NAME = 'clb-direct-webhook.clb-direct.svc';
const CONNECTIONS_MAX = 64;

/** A webhook in a process of its own, so that it does not wait for whoever measures it. */
export async function startWebhook(size: ClusterSize): Promise<WebhookProcess> {
  const child = fork(CHILD, [JSON.stringify(size)]);
  const [{ port, caPem }] = (await once(child, 'message')) as [ServedWebhook];
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX, ca: caPem, servername: SERVER_NAME });
  return {
    ask: review => post({ agent, port }, review),
    close: async () => {
      agent.destroy();
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

function post({ agent, port }: { agent: Agent; port: number }, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const target = { agent, port, host: '127.0.0.1', path: '/mutate-pods?timeout=3s', method: 'POST', headers };
    const request = sendRequest(target, response => {
      if (response.statusCode !== 200) reject(new Error(`the webhook answered with status ${response.statusCode}`));
      response.resume().once('end', resolve).once('error', reject);
    });
    request.once('error', reject).end(body);
  });
}
