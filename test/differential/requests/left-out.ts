import { eventually } from '../eventually.ts';
import { paths } from '../side.ts';
import { configMap, customKindName, customResourceDefinition, service } from './bodies.ts';
import { type ComparedRequest, create, get, made, patch, remove } from './compared-request.ts';

const { configMaps, pods, services } = paths;
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const definition = `${definitions}/${customKindName}`;
const dryRun = { dryRun: 'All' };

/** What the sandbox says plainly that it does not do, each with what the real server does. */
export const leftOut: readonly ComparedRequest[] = [
  { name: 'dry run of a creation', send: side => create(side, configMaps, configMap('dry'), dryRun) },
  {
    name: 'dry run of a patch',
    async send(side) {
      await made(side, configMaps, configMap('wet'));
      return patch(side, `${configMaps}/wet`, 'merge', { data: { key: 'dry' } }, dryRun);
    },
  },
  { name: 'dry run of a deletion', send: side => remove(side, `${configMaps}/wet`, { dryRun: ['All'] }) },
  {
    name: 'deletion in the foreground',
    send: side => remove(side, `${configMaps}/wet`, { propagationPolicy: 'Foreground' }),
  },
  {
    name: 'server-side apply',
    send: side => patch(side, `${configMaps}/applied`, 'apply', configMap('applied'), { fieldManager: 'm' }),
  },
  {
    name: 'a field that does not exist, refused as kubectl asks for it',
    send: side => create(side, configMaps, { ...configMap('odd'), nonsense: 1 }, { fieldValidation: 'Strict' }),
  },
  {
    name: 'a field of another type than it has',
    send: side => create(side, services, { ...service('odd'), spec: { sessionAffinity: 5, ports: [{ port: 80 }] } }),
  },
  { name: 'the log of a Pod', send: side => get(side, `${pods}/judged/log`) },
];

/** The sandbox has the custom kind built in; a real cluster has to be told of it before the others can be asked. */
export const customKind: readonly ComparedRequest[] = [
  {
    name: 'create a CustomResourceDefinition',
    send: side => create(side, definitions, customResourceDefinition()),
  },
  {
    name: 'get a CustomResourceDefinition',
    send: side =>
      eventually(
        side,
        () => get(side, definition),
        ({ status, body }) => status !== 200 || JSON.stringify(body).includes('"Established"'),
      ),
  },
  {
    name: 'a custom kind once it is known',
    send: side =>
      eventually(
        side,
        () => get(side, paths.serviceConfigs, { labelSelector: 'never=there' }),
        ({ status }) => status === 200,
      ),
  },
];
