import type { KubeObject } from '../../../common/kube/objects.ts';
import type { WatchEvent } from '../../../common/kube/transport.ts';
import { ask, paths, watchUntil } from '../side.ts';
import { asAnswer, type ComparedRequest, tableOnly, versionOf } from './compared-request.ts';

const { pods } = paths;

/** Tables, as `kubectl get` asks for them; those of each kind are with its objects. */
export const tables: readonly ComparedRequest[] = [
  {
    name: 'list a selection of Pods as a Table',
    send: side =>
      ask(side, 'GET', pods, {
        accept: tableOnly,
        query: { labelSelector: 'app=judged', fieldSelector: 'status.phase=Pending', limit: '500' },
      }),
  },
  {
    name: 'list Pods as a Table within a time',
    async send(side) {
      const query = { limit: '500', timeout: '10s' };
      const { status, body } = await ask(side, 'GET', pods, { accept: tableOnly, query });
      const { rows, ...rest } = body as { rows: readonly { object: KubeObject }[] };
      return { status, body: { ...rest, rows: rows.filter(({ object }) => object.metadata.name === 'judged') } };
    },
  },
  { name: 'get a Pod as a Table', send: side => ask(side, 'GET', `${pods}/judged`, { accept: tableOnly }) },
  { name: 'get what is not there as a Table', send: side => ask(side, 'GET', `${pods}/none`, { accept: tableOnly }) },
  {
    name: 'watch Pods as a Table',
    async send(side) {
      const resourceVersion = await versionOf(side, pods);
      const query = { resourceVersion, timeout: '5s' };
      const watching = watchUntil(side, pods, query, () => true, tableOnly);
      const metadata = { labels: { seen: 'as-a-table' } };
      const contentType = 'application/merge-patch+json';
      await ask(side, 'PATCH', `${pods}/judged`, { body: { metadata }, contentType });
      return asAnswer(await watching.catch((error: Error): WatchEvent[] => [refusal(error)]));
    },
  },
];

function refusal(error: Error): WatchEvent {
  return { type: 'ERROR', object: { message: error.message } as never };
}
