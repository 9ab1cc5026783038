import { beforeEach, expect, test } from 'vitest';
import type { Ingress, KubeObject, Pod, Service } from '../../../common/kube/objects.ts';
import { Account } from '../load-balancers/account.ts';
import { World } from '../world.ts';
import { CLASS, CONFIG, EXISTING, LISTEN_PORTS } from './desired-forwarding.ts';
import { differencesNow } from './differences.ts';
import { History } from './history.ts';
import type { CertificateSecret, ListenerConfig } from './manifest-chronicle.ts';
import { pod, tagOf } from './objects.fixture.ts';
import { Strangers } from './strangers.ts';

const LB = 'lb-shared-1';
const POD = pod('web-a', '10.0.0.1');
const RULE = { Domain: 'a.com', Url: '/x', Certificate: { SSLMode: 'UNIDIRECTIONAL', CertId: 'cert-a' } };

/** An account in which everything is as it should: one Ingress on a shared load balancer, with one Pod behind a path. */
class Town {
  readonly world = new World({ seed: 1 });
  readonly account = new Account(this.world.clb);
  readonly strangers = new Strangers({ world: this.world, random: this.world.random(), shared: [LB] });
  readonly services = new History<Service>();
  readonly pods = new History<Pod>();
  readonly ingresses = new History<Ingress>();
  readonly secrets = new History<CertificateSecret>();
  readonly configs = new History<ListenerConfig>();
  readonly listenerId: string;
  locationId = '';

  constructor() {
    this.strangers.settle();
    put(this.services, { metadata: meta('web'), spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } });
    put(this.pods, POD);
    put(this.secrets, { metadata: meta('tls'), data: { qcloud_cert_id: btoa('cert-a') } });
    put(this.ingresses, ingress(this.account.loadBalancers().find(({ id }) => id === LB)?.vips[0] ?? ''));
    const made = this.do('CreateListener', {
      Ports: [8_443],
      Protocol: 'HTTPS',
      ListenerNames: ['ours'],
      SniSwitch: 1,
    });
    [this.listenerId = ''] = made.ListenerIds as string[];
    this.make(RULE);
  }

  do(action: string, parameters: object): Record<string, unknown> {
    return this.world.clb.elsewhere.writeAtOnce(action, { LoadBalancerId: LB, ...parameters });
  }

  make(rule: object): void {
    const made = this.do('CreateRule', { ListenerId: this.listenerId, Rules: [rule] });
    [this.locationId = ''] = made.LocationIds as string[];
    this.bind(10);
  }

  bind(Weight: number): void {
    const { listenerId: ListenerId, locationId: LocationId } = this;
    const place = { ListenerId, LocationId, EniIp: '10.0.0.1', Port: 80 };
    this.do('BatchDeregisterTargets', { Targets: [place] });
    this.do('BatchRegisterTargets', { Targets: [{ ...place, Weight, Tag: tagOf(POD) }] });
  }

  look(): readonly string[] {
    const { account, strangers, services, pods, ingresses, secrets, configs } = this;
    const manifests = { ingresses, secrets, configs };
    return differencesNow({ account, strangers, chronicle: { services, pods }, manifests, now: 1_000, shared: [LB] });
  }
}

function put<T extends KubeObject>(history: History<T>, object: T): void {
  history.add(object.metadata.uid ?? '', { from: 0, object });
}

function meta(name: string) {
  return { name, namespace: 'default', uid: `${name}-uid` };
}

function ingress(ip: string): Ingress {
  const annotations = { [EXISTING]: LB, [LISTEN_PORTS]: '[{"HTTPS":8443}]', [CONFIG.Ingress]: 'settings' };
  const backend = { service: { name: 'web', port: { number: 80 } } };
  return {
    metadata: { ...meta('front'), annotations },
    spec: {
      ingressClassName: CLASS,
      rules: [{ host: 'a.com', http: { paths: [{ path: '/x', pathType: 'Prefix', backend }] } }],
      tls: [{ secretName: 'tls' }],
    },
    status: { loadBalancer: { ingress: [{ ip }] } },
  };
}

function config(scheduler: string): ListenerConfig {
  const rules = [{ url: '/x', scheduler, healthCheck: { intervalTime: 5 } }];
  const l7Listeners = [{ protocol: 'HTTPS', port: 8_443, domains: [{ domain: 'a.com', rules }] }];
  return { metadata: meta('settings'), spec: { loadBalancer: { l7Listeners } } };
}

let town: Town;
beforeEach(() => {
  town = new Town();
});

test('nothing differs where a host and path is served as an Ingress and its TkeServiceConfig ask for', () => {
  expect(town.look()).toEqual([]);
  put(town.configs, config('WRR'));
  expect(town.look()).toEqual([]);
});

test.each<[string, () => void, RegExp]>([
  [
    'a rule that is missing',
    () => town.do('DeleteRule', { ListenerId: town.listenerId, LocationIds: [town.locationId] }),
    /a\.com\/x: it is missing$/,
  ],
  ['a rule that nobody wants', () => town.make({ ...RULE, Url: '/y' }), /a\.com\/y: nobody wants it$/],
  ['a target with another weight', () => town.bind(3), /a\.com\/x: 10\.0\.0\.1:80 of web-a weighs 3, not 10$/],
  [
    'another certificate',
    () => put(town.secrets, { metadata: meta('tls'), data: { qcloud_cert_id: btoa('cert-b') } }),
    /a\.com\/x: its certificate is cert-a, not cert-b$/,
  ],
  ['other settings', () => put(town.configs, config('LEAST_CONN')), /the scheduler is WRR, not LEAST_CONN$/],
])('it is told: %s', (_, change, message) => {
  change();
  expect(town.look()).toEqual([expect.stringMatching(message)]);
});
