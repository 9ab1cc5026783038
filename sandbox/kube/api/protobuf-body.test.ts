import { expect, test } from 'vitest';
import { readProtobuf } from './protobuf-body.ts';

/** Bodies that kubectl 1.32 was seen to send. */
const SENT: [command: string, hex: string, expected: unknown][] = [
  [
    'create deployment w --image=nginx --replicas 3 --port 80',
    '6b3873000a150a07617070732f7631120a4465706c6f796d656e7412b0010a1b0a017712001a0022002a003200380042005a080a036170701201771282010803120a0a080a036170701201771a6a0a1a0a0012001a0022002a003200380042005a080a03617070120177124c122e0a056e67696e7812056e67696e782a00320a0a001000185022002a0042006a007200800100880100900100a201001a00320042004a0052005800600068008201008a01009a0100c2010022020a00280038001a0c0800100018002000280038001a002200',
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'w', labels: { app: 'w' } },
      spec: {
        replicas: 3,
        selector: { matchLabels: { app: 'w' } },
        strategy: {},
        template: {
          metadata: { labels: { app: 'w' } },
          spec: { containers: [{ name: 'nginx', image: 'nginx', ports: [{ containerPort: 80 }], resources: {} }] },
        },
      },
    },
  ],
  [
    'create service clusterip s --tcp=80:80',
    '6b3873000a0d0a02763112075365727669636512600a1b0a017312001a0022002a003200380042005a080a03617070120173123d0a180a0538302d3830120354435018502206080010501a00280012080a036170701201731a002209436c757374657249503a00420052005a00600068001a020a001a002200',
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's', labels: { app: 's' } },
      spec: {
        ports: [{ name: '80-80', protocol: 'TCP', port: 80, targetPort: 80 }],
        selector: { app: 's' },
        type: 'ClusterIP',
      },
    },
  ],
  [
    'create secret generic foo --from-literal a=b',
    '6b3873000a0c0a0276311206536563726574121f0a130a03666f6f12001a0022002a0032003800420012060a01611201621a001a002200',
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'foo' }, data: { a: 'Yg==' } },
  ],
  [
    'create pdb foo --selector a=b --min-available 1',
    '6b3873000a200a09706f6c6963792f76311213506f6444697372757074696f6e42756467657412350a130a03666f6f12001a0022002a0032003800420012120a06080010011a0012080a060a01611201621a0a080018002000280030001a002200',
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'foo' },
      spec: { minAvailable: 1, selector: { matchLabels: { a: 'b' } } },
    },
  ],
  [
    'create token default --audience x --bound-object-kind Pod --bound-object-name q --bound-object-uid u --duration 20m',
    '6b3873000a280a1861757468656e7469636174696f6e2e6b38732e696f2f7631120c546f6b656e5265717565737412310a100a0012001a0022002a0032003800420012170a01781a0f0a03506f64120276311a017122017520b0091a040a0012001a002200',
    {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: {},
      spec: {
        audiences: ['x'],
        boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'q', uid: 'u' },
        expirationSeconds: 1200,
      },
    },
  ],
];

test.each(SENT)('kubectl %s is read', (_command, hex, expected) => {
  expect(readProtobuf(Buffer.from(hex, 'hex'))).toEqual({ kind: 'object', object: expected });
});

test.each([
  ['a kind that is not listed', '6b3873000a090a0276311203466f6f1200', 'the sandbox reads no protobuf of v1 Foo'],
  ['a field that is not listed', '6b3873000a0d0a02763112075365727669636512047a026869', 'does not know field 15'],
  ['a body of another format', '7b7d', 'it does not begin with'],
])('%s is refused instead of being half read', (_what, hex, why) => {
  const read = readProtobuf(Buffer.from(hex, 'hex'));
  expect(read).toEqual({ kind: 'unreadable', why: expect.stringContaining(why) });
});
