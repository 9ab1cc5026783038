import { paths, succeed } from '../side.ts';
import { configMap } from './bodies.ts';
import { type ComparedRequest, get, made, patch, remove } from './compared-request.ts';

const { configMaps } = paths;

/** Preconditions, finalizers, and all of a selection at once. */
export const deletions: readonly ComparedRequest[] = [
  {
    name: 'delete with the UID of another',
    async send(side) {
      await made(side, configMaps, configMap('condemned'));
      return remove(side, `${configMaps}/condemned`, { preconditions: { uid: 'another' } });
    },
  },
  {
    name: 'delete with its own UID and version',
    async send(side) {
      const { metadata } = await succeed(get(side, `${configMaps}/condemned`));
      const { uid, resourceVersion } = metadata;
      return remove(side, `${configMaps}/condemned`, { preconditions: { uid, resourceVersion } });
    },
  },
  { name: 'delete what is gone', send: side => remove(side, `${configMaps}/condemned`) },
  {
    name: 'delete what has a finalizer',
    async send(side) {
      await made(side, configMaps, configMap('held', { finalizers: ['example.com/hold'] }));
      return remove(side, `${configMaps}/held`);
    },
  },
  {
    name: 'add a finalizer to what is being deleted',
    send: side =>
      patch(side, `${configMaps}/held`, 'merge', {
        metadata: { finalizers: ['example.com/hold', 'example.com/more'] },
      }),
  },
  {
    name: 'take the finalizer away',
    async send(side) {
      await succeed(patch(side, `${configMaps}/held`, 'merge', { metadata: { finalizers: null } }));
      return get(side, `${configMaps}/held`);
    },
  },
  {
    name: 'delete all of a selection',
    async send(side) {
      for (const name of ['x1', 'x2']) await made(side, configMaps, configMap(name, { labels: { all: '' } }));
      await succeed(remove(side, configMaps, undefined, { labelSelector: 'all' }));
      return get(side, configMaps, { labelSelector: 'all' });
    },
  },
];
