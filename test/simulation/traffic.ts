import type { Pod, Service } from '../../common/kube/objects.ts';
import { SERVICES } from './manifests.ts';
import { emptyTally, type Habit, KEEP_ALIVE, LONG, runClient, SHORT, type Tally } from './model-client.ts';
import { runSiteClient, type Site } from './site-client.ts';
import type { World } from './world.ts';

const CLIENTS: readonly Habit[] = [...Array(8).fill(SHORT), ...Array(4).fill(KEEP_ALIVE), ...Array(2).fill(LONG)];
const READY_LIMIT_MS = 120_000;

export interface Traffic {
  readonly tally: Tally;
  /** Lets the requests that are under way end. */
  stop(): Promise<void>;
}

/** Virtual time moves on until so many Pods of the Deployment are Ready. */
export async function untilServing(world: World, name: string, count: number): Promise<void> {
  for (let waitedMs = 0; waitedMs < READY_LIMIT_MS; waitedMs += 1_000) {
    await world.clock.advance(1_000);
    if ((await readyPods(world, name)).length >= count) return;
  }
  throw new Error(
    `${count} Pods of ${name} were not ready within ${READY_LIMIT_MS} ms:\n${world.log.tail().join('\n')}`,
  );
}

export async function readyPods(world: World, name: string): Promise<Pod[]> {
  const pods = await world.pods();
  return pods.filter(pod => pod.metadata.labels?.app === name && isReady(pod));
}

function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

/** Clients of the Service's port, each with an address of its own in 10.9.<group>.0/24. */
export async function startTraffic(
  world: World,
  name: string,
  { group = 0, port = 80, ...more }: Partial<Omit<TrafficOptions, 'vip'>> = {},
): Promise<Traffic> {
  const { status } = (await world.request('GET', `${SERVICES}/${name}`)) as Service;
  return trafficOn(world, { vip: status?.loadBalancer?.ingress?.[0]?.ip ?? '', port, group, ...more });
}

interface TrafficOptions {
  readonly vip: string;
  readonly port: number;
  readonly group: number;
  /** One client for each; default a crowd of all kinds. */
  readonly habits?: readonly Habit[];
  /** On layer 7: what they ask for. */
  readonly site?: Site;
}

/** Clients of an address, whether it serves yet or not. */
export function trafficOn(world: World, { vip, port, group, habits = CLIENTS, site }: TrafficOptions): Traffic {
  const tally = emptyTally();
  const stop = new AbortController();
  const { clock, log, dataPlane, servers } = world;
  const running = habits.map((habit, index) => {
    const endpoint = { vip, port, protocol: site?.protocol ?? ('TCP' as const) };
    const address = `10.9.${group}.${index + 1}`;
    const client = { clock, random: world.random(), log, dataPlane, servers, endpoint, tally, address };
    return site ? runSiteClient(client, { habit, site }, stop.signal) : runClient(client, habit, stop.signal);
  });
  return {
    tally,
    stop: async () => {
      stop.abort();
      await clock.advance(30_000);
      await Promise.all(running);
    },
  };
}
