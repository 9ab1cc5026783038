import { describe, expect, test } from 'vitest';
import { AnnotationReader } from './annotation-reader.ts';
import { readSpecifiedPorts } from './specify-protocol.ts';

function portsOf(value: string | undefined) {
  const annotations = value === undefined ? {} : { 'service.cloud.tencent.com/specify-protocol': value };
  return readSpecifiedPorts(new AnnotationReader({ kind: 'Service', namespace: 'default', name: 'web', annotations }));
}

describe('of a port the annotation says', () => {
  test('nothing when it is not there, or does not name the port', () => {
    expect(portsOf(undefined)(80)).toBeUndefined();
    expect(portsOf('{"81":{"protocol":["UDP"]}}')(80)).toBeUndefined();
  });

  test('its protocols, Secret and hosts', () => {
    const said = { 443: { protocol: ['HTTPS', 'UDP'], tls: 'both', hosts: { 'a.com': { tls: 'one' }, 'b.com': {} } } };
    expect(portsOf(JSON.stringify(said))(443)).toEqual({
      protocols: ['HTTPS', 'UDP'],
      secretName: 'both',
      hosts: [
        { host: 'a.com', secretName: 'one' },
        { host: 'b.com', secretName: undefined },
      ],
    });
  });

  test.each([
    ['protocols out of', '{"80":{"protocol":["tcp"]}}'],
    ['protocols out of', '{"80":{"protocol":[]}}'],
    ['a list of protocols', '{"80":{"protocol":"TCP"}}'],
    ['a list of protocols', '{"80":null}'],
    ['at most one protocol beside UDP', '{"80":{"protocol":["TCP","TCP_SSL"],"tls":"a"}}'],
    ['which Secret', '{"80":{"protocol":["TCP_SSL"]}}'],
    ['which Secret', '{"80":{"protocol":["HTTPS"],"hosts":{"a.com":{"tls":"a"},"b.com":{}}}}'],
    ['names of Secrets', '{"80":{"protocol":["TCP_SSL"],"tls":"../a"}}'],
    ['names of Secrets', '{"80":{"protocol":["HTTP"],"hosts":["a.com"]}}'],
    ['it takes JSON', '[]'],
    ['it takes JSON', 'null'],
  ])('nothing sensible, and that it has to say %s, in %s', (missing, value) => {
    expect(portsOf(value)(80)).toMatchObject({ code: 'CD1001', message: expect.stringContaining(missing) });
  });
});
