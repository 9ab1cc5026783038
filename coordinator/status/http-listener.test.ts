import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { listenForStatus, type StatusListener } from './http-listener.ts';
import { CoordinatorMetrics } from './metrics.ts';
import type { StatusSnapshot } from './status-snapshot.ts';

const SNAPSHOT: StatusSnapshot = {
  takenAtMs: 0,
  coordinator: 'coordinator-0',
  leading: false,
  leader: 'coordinator-1',
  term: 7,
  loadBalancers: [],
  agents: [],
  agentlessNodes: [],
  missingRights: [],
  isLossHeld: false,
  recentDrains: [],
  intended: undefined,
};

let listener: StatusListener;
let metrics: CoordinatorMetrics;
let leaseFailure: string | undefined;
let listsFailure: string | undefined;
let snapshot: () => StatusSnapshot;

beforeEach(async () => {
  metrics = new CoordinatorMetrics();
  leaseFailure = listsFailure = undefined;
  snapshot = () => SNAPSHOT;
  listener = await listenForStatus({
    host: '127.0.0.1',
    port: 0,
    registry: metrics.registry,
    liveness: { lease: () => leaseFailure },
    readiness: { lease: () => undefined, lists: () => listsFailure },
    snapshot: () => snapshot(),
    clock: systemClock(),
  });
});

afterEach(() => listener.stop(0));

describe('the status listener', () => {
  test('answers liveness and readiness by their checks, naming what failed', async () => {
    expect(await get('/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
    leaseFailure = 'leading without a renewal for 12 s';
    expect(await get('/healthz')).toMatchObject({ status: 503, body: 'lease: leading without a renewal for 12 s\n' });
    expect(await get('/readyz')).toMatchObject({ status: 200 });
    listsFailure = 'Services are not listed yet';
    expect(await get('/readyz')).toMatchObject({ status: 503, body: 'lists: Services are not listed yet\n' });
  });

  test('serves the status page as HTML', async () => {
    const page = await get('/?refresh');
    expect(page).toMatchObject({ status: 200, type: 'text/html; charset=utf-8' });
    expect(page.body).toMatch(/^<!doctype html>.*coordinator-1 leads/s);
  });

  test('serves its own metrics', async () => {
    metrics.streamTurnedAway('unauthenticated');
    const lines = (await get('/metrics')).body.split('\n');
    expect(lines).toContain('clb_direct_report_streams_turned_away_total{reason="unauthenticated"} 1');
  });

  test('keeps the metrics of two coordinators in one process apart', async () => {
    new CoordinatorMetrics().streamTurnedAway('unauthenticated');
    expect((await get('/metrics')).body).not.toContain('reason="unauthenticated"} 2');
  });

  test('says what it serves, and only to GET', async () => {
    expect(await get('/elsewhere')).toMatchObject({ status: 404, body: expect.stringMatching(/\/metrics/) });
    expect((await fetch(url('/'), { method: 'POST' })).status).toBe(405);
  });

  test('survives a page that cannot be made', async () => {
    snapshot = () => {
      throw new Error('no core yet');
    };
    expect(await get('/')).toMatchObject({ status: 500, body: expect.stringMatching(/no core yet/) });
    expect(await get('/healthz')).toMatchObject({ status: 200 });
  });
});

function url(path: string): string {
  return `http://127.0.0.1:${listener.port}${path}`;
}

async function get(path: string): Promise<{ status: number; type: string | null; body: string }> {
  const response = await fetch(url(path), { headers: { connection: 'close' } });
  return { status: response.status, type: response.headers.get('content-type'), body: await response.text() };
}
