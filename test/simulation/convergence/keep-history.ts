import type { Clock } from '../../../common/clock.ts';
import type { KubeObject } from '../../../common/kube/objects.ts';
import type { KubeTransport } from '../../../common/kube/transport.ts';
import type { History } from './history.ts';

export interface HistorySource<T> {
  readonly clock: Clock;
  readonly kube: KubeTransport;
  /** Of the collection. */
  readonly path: string;
  readonly history: History<T & KubeObject>;
}

/** Writes down what becomes of a collection until `signal` aborts. Begin before there is any object. */
export async function keepHistory<T extends KubeObject>(source: HistorySource<T>, signal: AbortSignal): Promise<void> {
  const { clock, kube, path, history } = source;
  let resourceVersion = '';
  while (!signal.aborted) {
    const query = resourceVersion === '' ? {} : { query: { resourceVersion } };
    try {
      for await (const { type, object } of kube.watch({ method: 'GET', path, ...query }, signal)) {
        if (type === 'ERROR') {
          resourceVersion = await listAnew(source, signal);
          break;
        }
        const { uid = '', resourceVersion: version } = object.metadata;
        resourceVersion = version ?? resourceVersion;
        const from = clock.wallNow();
        if (type !== 'BOOKMARK') history.add(uid, { from, object: type === 'DELETED' ? undefined : (object as T) });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

/** The server has forgotten what came after the last event, because its history was cut in that same moment. */
async function listAnew<T extends KubeObject>(source: HistorySource<T>, signal: AbortSignal): Promise<string> {
  const { clock, kube, path, history } = source;
  const { status, body } = await kube.request({ method: 'GET', path }, signal);
  if (status !== 200) throw new Error(`the list of ${path} was answered with ${status}`);
  const { items, metadata } = body as { items: readonly T[]; metadata: { resourceVersion: string } };
  const from = clock.wallNow();
  const listed = new Set(items.map(({ metadata: { uid } }) => uid));
  for (const object of items) history.add(object.metadata.uid ?? '', { from, object });
  for (const uid of history.uids()) if (!listed.has(uid)) history.add(uid, { from, object: undefined });
  return metadata.resourceVersion;
}
