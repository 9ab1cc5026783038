import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CollectingLogger } from '../../common/collecting-logger.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { noMetrics } from '../metrics.ts';
import type { HookRedirect } from './hook-redirect.ts';
import { RedirectKeeper } from './redirect-keeper.ts';
import { RememberedRedirect } from './remembered-redirect.ts';

const POD = '10.0.0.5';

let clock: VirtualClock;
let rule: RememberedRedirect;
let log: CollectingLogger;
let stop: AbortController;
let running: Promise<void>[];
let repairs: number;

beforeEach(() => {
  clock = new VirtualClock();
  rule = new RememberedRedirect();
  log = new CollectingLogger();
  stop = new AbortController();
  [running, repairs] = [[], 0];
});
afterEach(async () => {
  stop.abort();
  await Promise.all(running);
});

interface Agent {
  readonly keeper: RedirectKeeper;
  addresses: string[] | undefined;
}

/** An agent that listens at `port`; of two the one at the higher port is the younger. */
function startAgent(port: number, redirect: HookRedirect = rule.edge(port)): Agent {
  const redirectRepaired = () => {
    repairs += 1;
  };
  const metrics = { ...noMetrics(), redirectRepaired };
  const self = { stamp: port, incarnation: `agent-${port}` };
  const agent: Agent = {
    keeper: new RedirectKeeper({
      clock,
      log,
      metrics,
      redirect,
      self,
      random: seededRandom(3),
      addresses: () => agent.addresses,
    }),
    addresses: [POD],
  };
  rule.served.add(port);
  running.push(agent.keeper.run(stop.signal));
  return agent;
}

async function startReadyAgent(port: number): Promise<Agent> {
  const agent = startAgent(port);
  agent.keeper.coordinators(1);
  await clock.advance(0);
  return agent;
}

/** Of the rule that stands. */
const standing = () => ({ agentPort: rule.standing?.agentPort, addresses: rule.standing?.addresses });

describe('the rule is taken over', () => {
  test('once the Pods are known and a coordinator is connected', async () => {
    const agent = startAgent(1);
    agent.addresses = undefined;
    agent.keeper.coordinators(1);
    await clock.advance(60_000);
    expect(rule.standing).toBeUndefined();
    agent.addresses = [POD];
    agent.keeper.podsChanged();
    await clock.advance(0);
    expect(standing()).toEqual({ agentPort: 1, addresses: [POD] });
    expect(agent.keeper.isOwner).toBe(true);
  });

  test('after 5 s without any coordinator', async () => {
    startAgent(1);
    await clock.advance(4_999);
    expect(rule.standing).toBeUndefined();
    await clock.advance(1);
    expect(standing().agentPort).toBe(1);
  });

  test('from an older agent, which leaves it alone from then on', async () => {
    const older = await startReadyAgent(1);
    await startReadyAgent(2);
    await clock.advance(60_000);
    older.addresses = ['10.0.0.9'];
    older.keeper.podsChanged();
    await clock.advance(60_000);
    expect(older.keeper.isSuperseded).toBe(true);
    expect(standing()).toEqual({ agentPort: 2, addresses: [POD] });
  });

  test('back from a younger agent that died, within seconds', async () => {
    await startReadyAgent(1);
    rule.standing = {
      owner: { stamp: 7, incarnation: 'died' },
      agentPort: 7,
      addresses: [],
      fingerprint: 'as agent 7 wrote it',
    };
    rule.served.add(7);
    await clock.advance(20_000);
    expect(standing().agentPort).toBe(7);
    rule.served.delete(7);
    await clock.advance(2_000);
    expect(standing()).toEqual({ agentPort: 1, addresses: [POD] });
  });

  test('by no agent that is stopping', async () => {
    const agent = startAgent(1);
    await agent.keeper.lookBeforeStopping();
    agent.keeper.coordinators(1);
    await clock.advance(60_000);
    expect(rule.standing).toBeUndefined();
  });
});

describe('the rule of an owner', () => {
  test('follows the Pods at once', async () => {
    const agent = await startReadyAgent(1);
    agent.addresses = ['10.0.0.6'];
    agent.keeper.podsChanged();
    await clock.advance(0);
    expect(standing().addresses).toEqual(['10.0.0.6']);
  });

  test('is back within 10 s of its removal, counted and told', async () => {
    await startReadyAgent(1);
    rule.standing = undefined;
    await clock.advance(10_000);
    expect(standing()).toEqual({ agentPort: 1, addresses: [POD] });
    expect(repairs).toBe(1);
    expect(log.records.at(-1)).toMatchObject({ level: 'warn', fields: { wasRemoved: true } });
  });

  test('is written as a whole where a change is refused', async () => {
    const edge = rule.edge(1);
    const agent = startAgent(1, {
      ...edge,
      change: async () => {
        throw new Error('no such family');
      },
    });
    agent.keeper.coordinators(1);
    await clock.advance(0);
    agent.addresses = [POD, 'fd00::5'];
    agent.keeper.podsChanged();
    await clock.advance(0);
    expect(standing().addresses).toEqual([POD, 'fd00::5']);
  });

  test('that the node refuses is tried again with growing pauses, and told each time', async () => {
    const attempts: number[] = [];
    const edge = rule.edge(1);
    const agent = startAgent(1, {
      ...edge,
      replace: async () => {
        attempts.push(clock.now());
        throw new Error('no capability');
      },
    });
    agent.keeper.coordinators(1);
    await clock.advance(600_000);
    expect(attempts.length).toBeGreaterThan(10);
    expect(attempts.length).toBeLessThan(120);
    expect(agent.keeper.isOwner).toBe(false);
    expect(log.records.every(({ message }) => message.startsWith('redirect rule is not in place'))).toBe(true);
  });

  test('that does not read back as it was written counts as refused', async () => {
    const edge = rule.edge(1);
    const agent = startAgent(1, { ...edge, replace: async () => {} });
    agent.keeper.coordinators(1);
    await clock.advance(0);
    expect(agent.keeper.isOwner).toBe(false);
    expect(log.records).toMatchObject([{ level: 'error' }]);
  });
});

test('before it stops, an agent learns that it was superseded a moment ago', async () => {
  const older = await startReadyAgent(1);
  await startReadyAgent(2);
  expect(older.keeper.isSuperseded).toBe(false);
  const looked = older.keeper.lookBeforeStopping();
  await clock.advance(0);
  await looked;
  expect(older.keeper.isSuperseded).toBe(true);
});
