import { beforeAll, expect, test } from 'vitest';
import { AGENT_OPTIONS } from '../../agent/options.ts';
import { parseOptions } from '../../common/options.ts';
import { ALERTS } from '../../tools/alerts/alerts.ts';
import { findHelm, type Rendered } from './helm.ts';
import { containersOf, podsOf } from './pod-spec.ts';
import { variants } from './variants.ts';

const BUILD_TIMEOUT_MS = 900_000;

let missing: string | undefined;
let monitored: readonly Rendered[] = [];
const rules = new Map<string, readonly Rendered[]>();

beforeAll(async () => {
  const helm = await findHelm();
  if (typeof helm === 'string') {
    missing = helm;
    return;
  }
  monitored = await helm.render(variants.ServiceMonitors);
  for (const name of ['alerts', 'alerts with addresses']) rules.set(name, await helm.render(variants[name]));
}, BUILD_TIMEOUT_MS);

function check(name: string, judge: () => void): void {
  test(name, ({ skip }) => {
    if (missing !== undefined) return skip(missing);
    judge();
  });
}

type Labels = Readonly<Record<string, string>>;

interface ServiceSpec {
  readonly selector: Labels;
  readonly ports: readonly { readonly name: string; readonly port: number }[];
}

interface MonitorSpec {
  readonly selector: { readonly matchLabels: Labels };
  readonly endpoints: readonly { readonly port: string }[];
}

function holds(selector: Labels, labels: Labels = {}): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

/** `Pods' controller: port` of all that the ServiceMonitor has Prometheus read. */
function readBy(monitor: Rendered): readonly string[] {
  const { selector, endpoints } = monitor.spec as MonitorSpec;
  const services = monitored.filter(
    ({ kind, metadata }) => kind === 'Service' && holds(selector.matchLabels, metadata.labels),
  );
  const ports = services.flatMap(service => {
    const spec = service.spec as ServiceSpec;
    const named = spec.ports.filter(({ name }) => endpoints.some(({ port }) => port === name));
    return named.map(({ port }) => ({ port, pods: spec.selector }));
  });
  return ports.flatMap(({ port, pods }) =>
    monitored
      .filter(object => podsOf(object).some(({ labels }) => holds(pods, labels)))
      .map(({ metadata }) => `${metadata.name}: ${port}`),
  );
}

function annotationsIn(variant: string): readonly Labels[] {
  const made = (rules.get(variant) ?? []).filter(({ kind }) => kind === 'PrometheusRule');
  const groups = made.flatMap(({ spec }) => (spec as { groups: { rules: { annotations: Labels }[] }[] }).groups);
  return groups.flatMap(group => group.rules.map(({ annotations }) => annotations));
}

check('ServiceMonitors lead to the port of every agent and coordinator, and to nothing else', () => {
  const monitors = monitored.filter(({ kind }) => kind === 'ServiceMonitor');
  expect(monitors.flatMap(readBy)).toEqual([
    'clb-direct-coordinator: 9442',
    'clb-direct-coordinator-second: 9442',
    'clb-direct-agent: 19441',
  ]);
  expect(monitors.every(({ metadata }) => metadata.labels?.release === 'prometheus')).toBe(true);
  const agent = monitored.find(({ kind }) => kind === 'DaemonSet');
  const [container] = agent ? podsOf(agent).flatMap(containersOf) : [];
  const environment = Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value ?? 'x']));
  expect(parseOptions(AGENT_OPTIONS, container?.args?.slice(1) ?? [], environment).httpListen).toMatch(/:19441$/);
});

check('alerts name the address of their runbook where one is given, else its path', () => {
  const addresses = annotationsIn('alerts with addresses').map(annotations => annotations.runbook_url);
  expect(addresses).toEqual(ALERTS.map(({ name }) => `https://git.example/runbooks/${name}.md`));
  expect(annotationsIn('alerts').map(({ runbook }) => runbook)).toEqual(
    ALERTS.map(({ name }) => `docs/runbooks/${name}.md`),
  );
  expect(annotationsIn('alerts').some(annotations => 'runbook_url' in annotations)).toBe(false);
});
