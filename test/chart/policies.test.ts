import { beforeAll, describe, expect, test } from 'vitest';
import { AGENT_OPTIONS } from '../../agent/options.ts';
import { parseOptions } from '../../common/options.ts';
import { COORDINATOR_OPTIONS } from '../../coordinator/options.ts';
import { RELEASE_OPTIONS } from '../../coordinator/release/options.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { findHelm, type Helm, type Rendered } from './helm.ts';
import { type Container, containersOf, type PodSpec, podsOf } from './pod-spec.ts';
import { variants } from './variants.ts';

const BUILD_TIMEOUT_MS = 900_000;
const RENDER_TIMEOUT_MS = 120_000;

let missing: string | undefined;
const rendered = new Map<string, readonly Rendered[]>();

beforeAll(async () => {
  const helm: Helm | string = await findHelm();
  if (typeof helm === 'string') {
    missing = helm;
    return;
  }
  for (const [name, values] of Object.entries(variants)) rendered.set(name, await helm.render(values));
}, BUILD_TIMEOUT_MS + RENDER_TIMEOUT_MS);

/** What is wrong with the objects of any variant: nothing, in a chart that a platform team would approve. */
function policy(name: string, judge: (objects: readonly Rendered[]) => readonly string[]): void {
  test(name, ({ skip }) => {
    if (missing !== undefined) return skip(missing);
    const found = [...rendered].flatMap(([variant, objects]) => judge(objects).map(text => `${variant}: ${text}`));
    expect(found).toEqual([]);
  });
}

const forEachPod =
  (judge: (pod: PodSpec, owner: Rendered) => readonly (string | false)[]) => (objects: readonly Rendered[]) =>
    objects.flatMap(owner =>
      podsOf(owner).flatMap(pod =>
        judge(pod, owner).flatMap(text => (text === false ? [] : [`${owner.kind} ${owner.metadata.name} ${text}`])),
      ),
    );

const forEachContainer = (judge: (container: Container, pod: PodSpec) => readonly (string | false)[]) =>
  forEachPod(pod =>
    containersOf(pod).flatMap(container => judge(container, pod).map(text => text && `${container.name}: ${text}`)),
  );

/** Redirect preStop calls on their node, and take the rule off again. */
const HOST_ACCESS = new Set(['clb-direct-agent', 'clb-direct-node-cleanup']);
const CLUSTER_SCOPED = new Set(['ClusterRole', 'ClusterRoleBinding', 'CustomResourceDefinition', 'IngressClass']);

describe('every variant of the chart', () => {
  policy('names each object once, and its namespace', objects => {
    const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`);
    const twice = names.filter((name, index) => names.indexOf(name) !== index);
    const homeless = objects.filter(({ kind, metadata }) => !CLUSTER_SCOPED.has(kind) && !metadata.namespace);
    return [
      ...twice.map(name => `${name} twice`),
      ...homeless.map(({ kind, metadata }) => `${kind} ${metadata.name} has no namespace`),
    ];
  });

  policy('labels everything as its own', objects =>
    objects
      .filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/name'] !== 'clb-direct')
      .map(({ kind, metadata }) => `${kind} ${metadata.name}`),
  );

  policy('gives no right by a wildcard', objects =>
    objects
      .filter(object => object.rules && JSON.stringify(object.rules).includes('"*"'))
      .map(({ metadata }) => metadata.name),
  );

  policy(
    'lets no container gain privileges, write to its root or keep capabilities that it does not name',
    forEachContainer(({ securityContext }) => [
      securityContext?.allowPrivilegeEscalation !== false && 'may gain privileges',
      securityContext?.readOnlyRootFilesystem !== true && 'may write to its root',
      securityContext?.privileged === true && 'is privileged',
      !securityContext?.capabilities?.drop?.includes('ALL') && 'keeps capabilities',
    ]),
  );

  policy(
    'runs every Pod with the default seccomp profile',
    forEachPod(({ securityContext }) => [securityContext?.seccompProfile?.type !== 'RuntimeDefault' && 'has none']),
  );

  policy(
    'keeps Pods that need nothing of their node within Pod Security "restricted"',
    forEachPod((pod, { metadata }) => {
      if (HOST_ACCESS.has(metadata.name)) return [];
      return [
        pod.securityContext?.runAsNonRoot !== true && 'may run as root',
        pod.hostNetwork === true && 'is in the network of the host',
        pod.hostPID === true && 'sees the processes of the host',
        (pod.volumes ?? []).some(({ hostPath }) => hostPath) && 'mounts a folder of the host',
        containersOf(pod).some(({ securityContext }) => securityContext?.capabilities?.add) && 'has capabilities',
      ];
    }),
  );

  policy(
    'asks for memory, limits it, and limits no CPU',
    forEachContainer(({ resources }) => [
      !resources?.requests?.memory && 'asks for no memory',
      !resources?.requests?.cpu && 'asks for no CPU',
      !resources?.limits?.memory && 'has no limit of memory',
      resources?.limits?.cpu !== undefined && 'is throttled',
    ]),
  );

  policy(
    'mounts every volume that it names, and names every one that it mounts',
    forEachPod(pod => {
      const named = (pod.volumes ?? []).map(({ name }) => name);
      const mounted = containersOf(pod).flatMap(({ volumeMounts }) => (volumeMounts ?? []).map(({ name }) => name));
      return [
        ...named.filter(name => !mounted.includes(name)).map(name => `mounts ${name} nowhere`),
        ...mounted.filter(name => !named.includes(name)).map(name => `has no volume ${name}`),
      ];
    }),
  );

  policy('chooses by labels that its Pods have', objects => {
    const labels = objects.flatMap(object => podsOf(object).map(({ labels }) => labels));
    const selectors = objects
      .filter(({ kind }) => kind === 'Service')
      .map(object => {
        const { selector } = object.spec as { selector: Readonly<Record<string, string>> };
        return { name: object.metadata.name, selector: Object.entries(selector) };
      });
    return selectors
      .filter(({ selector }) => !labels.some(own => selector.every(([key, value]) => own[key] === value)))
      .map(({ name }) => `Service ${name} finds nothing`);
  });

  policy(
    'declares no port of the host, so that two agents fit on a node',
    forEachContainer(({ ports }, { hostNetwork }) => [
      hostNetwork === true && (ports ?? []).length > 0 && 'declares ports',
    ]),
  );

  policy(
    'gives each process options that it takes',
    forEachContainer(({ args, env }) => {
      const [command, ...argv] = args ?? [];
      const environment = Object.fromEntries((env ?? []).map(({ name, value }) => [name, value ?? 'x']));
      try {
        if (command === 'agent' && !argv.includes('--remove-redirect')) parseOptions(AGENT_OPTIONS, argv, environment);
        if (command === 'coordinator') parseOptions(COORDINATOR_OPTIONS, argv, environment);
        if (command === 'release') parseOptions(RELEASE_OPTIONS, argv, environment);
        return [];
      } catch (error) {
        return [(error as Error).message];
      }
    }),
  );
});

describe('the defaults', () => {
  const objectOf = (kind: string, name: string, variant = 'defaults') => {
    const found = rendered.get(variant)?.find(object => object.kind === kind && object.metadata.name === name);
    if (!found) throw new Error(`${variant}: no ${kind} ${name}`);
    return found as Rendered & { readonly spec: Readonly<Record<string, never>> };
  };
  const podOf = (kind: string, name: string, variant?: string): PodSpec => {
    const [pod] = podsOf(objectOf(kind, name, variant));
    if (!pod) throw new Error(`${kind} ${name} has no Pods`);
    return pod;
  };
  const deploymentsIn = (variant = 'defaults') =>
    (rendered.get(variant) ?? []).filter(({ kind }) => kind === 'Deployment');
  /** Whose Pods each port of the webhook's Service leads to. */
  const behindWebhook = (variant = 'defaults') => {
    const { ports } = objectOf('Service', 'clb-direct-webhook', variant).spec as unknown as {
      ports: readonly { readonly port: number; readonly targetPort: string }[];
    };
    const have = (object: Rendered, name: string) =>
      podsOf(object).some(pod => containersOf(pod).some(each => each.ports?.some(port => port.name === name)));
    const leadTo = (name: string) => deploymentsIn(variant).filter(object => have(object, name));
    return Object.fromEntries(
      ports.map(({ port, targetPort }) => [port, leadTo(targetPort).map(({ metadata }) => metadata.name)]),
    );
  };
  const agent = (variant?: string) => podOf('DaemonSet', 'clb-direct-agent', variant);
  const check = (name: string, judge: () => void) =>
    test(name, ({ skip }) => {
      if (missing !== undefined) return skip(missing);
      judge();
    });

  check('are those of this version', () => {
    const versions = new Set(
      rendered.get('defaults')?.map(({ metadata }) => metadata.labels?.['app.kubernetes.io/version']),
    );
    expect([...versions]).toEqual([packageJson.version]);
    expect(podOf('Deployment', 'clb-direct-coordinator').containers[0]?.image).toBe(
      `clb-direct:${packageJson.version}`,
    );
  });

  check('bring a lease that nobody holds, and that no upgrade resets', () => {
    expect(objectOf('Lease', 'clb-direct')).not.toHaveProperty('spec');
  });

  check('act, unless they are told to observe', () => {
    const modeOf = (variant?: string) =>
      podOf('Deployment', 'clb-direct-coordinator', variant).containers[0]?.args?.find(arg => arg.startsWith('--mode'));
    expect([modeOf(), modeOf('only observing')]).toEqual(['--mode=active', '--mode=observe']);
  });

  check('hand a node over from one agent to the next without a gap', () => {
    const { updateStrategy } = objectOf('DaemonSet', 'clb-direct-agent').spec;
    expect(updateStrategy).toEqual({ type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } });
  });

  check('let an agent outlive the longest drain', () => {
    const environment = Object.fromEntries((agent().containers[0]?.env ?? []).map(({ name, value }) => [name, value]));
    expect(agent().terminationGracePeriodSeconds).toBeGreaterThan(Number(environment.CLB_DIRECT_DRAIN_SECONDS_MAX));
  });

  check('end a hung agent within ten seconds', () => {
    const {
      periodSeconds = 10,
      failureThreshold = 3,
      terminationGracePeriodSeconds,
    } = agent().containers[0]?.livenessProbe ?? {};
    expect(periodSeconds * failureThreshold + (terminationGracePeriodSeconds ?? 30)).toBeLessThanOrEqual(10);
  });

  check('do not take a probe that is slow to start for an agent that hangs', () => {
    const { exec, timeoutSeconds = 1 } = agent().containers[0]?.livenessProbe ?? {};
    const command = exec?.command ?? [];
    const answerSeconds = Number(command[command.indexOf('--max-time') + 1]);
    expect(timeoutSeconds - answerSeconds).toBeGreaterThanOrEqual(10);
  });

  check('run agents on all nodes but super nodes', () => {
    expect(agent().tolerations).toEqual([{ operator: 'Exists' }]);
    expect(JSON.stringify(agent().affinity)).toContain('"operator":"NotIn","values":["eklet"]');
  });

  check('need no operator and no object of another', () => {
    const ours =
      /^(v1|apps\/v1|policy\/v1|batch\/v1|coordination\.k8s\.io\/v1|networking\.k8s\.io\/v1|rbac\.authorization\.k8s\.io\/v1|apiextensions\.k8s\.io\/v1)$/;
    expect(rendered.get('defaults')?.filter(({ apiVersion }) => !ours.test(apiVersion))).toEqual([]);
  });

  check('keep one coordinator up, each on a node of its own where that is possible', () => {
    expect(objectOf('PodDisruptionBudget', 'clb-direct-coordinator').spec).toMatchObject({ maxUnavailable: 1 });
    expect(podOf('Deployment', 'clb-direct-coordinator').affinity).toHaveProperty('podAntiAffinity');
  });

  check('divide the coordinators into up to three parts, each behind a port of its own of the webhook', () => {
    const parts = (variant?: string) =>
      deploymentsIn(variant).map(({ metadata, spec }) => [metadata.name, (spec as { replicas: number }).replicas]);
    expect(parts()).toEqual([
      ['clb-direct-coordinator', 1],
      ['clb-direct-coordinator-second', 1],
    ]);
    expect(parts('five replicas').map(([, replicas]) => replicas)).toEqual([2, 2, 1]);
    expect(parts('one replica')).toEqual([['clb-direct-coordinator', 1]]);
    expect(behindWebhook()).toEqual({ 9444: ['clb-direct-coordinator'], 9445: ['clb-direct-coordinator-second'] });
    expect(behindWebhook('one replica')).toEqual({ 9444: ['clb-direct-coordinator'] });
    expect(Object.values(behindWebhook('five replicas')).map(all => all.length)).toEqual([1, 1, 1]);
  });

  check('hand the cluster back before anything is removed, with rights that are there only then', () => {
    const hooks = rendered
      .get('defaults')
      ?.filter(({ metadata }) => metadata.annotations?.['helm.sh/hook'] !== undefined);
    const weightOf = ({ metadata }: Rendered) => Number(metadata.annotations?.['helm.sh/hook-weight']);
    expect(hooks?.toSorted((one, other) => weightOf(one) - weightOf(other)).at(-1)?.kind).toBe('Job');
    expect(hooks?.filter(({ metadata }) => metadata.annotations?.['helm.sh/hook'] !== 'pre-delete')).toEqual([]);
    const names = rendered.get('defaults')?.filter(({ metadata }) => metadata.name === 'clb-direct-release');
    expect(names?.filter(object => !hooks?.includes(object))).toEqual([]);
    expect(JSON.stringify(rendered.get('no release'))).not.toContain('clb-direct-release');
  });

  check('give a release less time than its Job has, and helm more', () => {
    const activeDeadlineSeconds = Number(objectOf('Job', 'clb-direct-release').spec.activeDeadlineSeconds);
    const [container] = podOf('Job', 'clb-direct-release').containers;
    const { timeoutSeconds } = parseOptions(RELEASE_OPTIONS, container?.args?.slice(1) ?? [], {});
    expect(timeoutSeconds).toBeLessThan(activeDeadlineSeconds);
    expect(activeDeadlineSeconds).toBeLessThan(300);
  });

  check('lose a capability or a mount of the node with each switch that is turned off', () => {
    const mounts = (variant?: string) => (agent(variant).volumes ?? []).flatMap(({ hostPath }) => hostPath?.path ?? []);
    const added = (variant?: string) => agent(variant).containers[0]?.securityContext?.capabilities?.add ?? [];
    expect(mounts()).toEqual(['/proc', '/run/containerd', '/run/dbus', '/run/xtables.lock']);
    expect(added()).toEqual(['NET_ADMIN', 'NET_RAW']);
    expect(mounts('no runtime events')).not.toContain('/run/containerd');
    expect(mounts('no connections')).not.toContain('/proc');
    expect(mounts('no shutdown notice')).not.toContain('/run/dbus');
    expect([...mounts('no redirect'), ...added('no redirect')]).toEqual(['/proc', '/run/containerd', '/run/dbus']);
    expect([...mounts('every host access off'), ...added('every host access off')]).toEqual([]);
  });
});
