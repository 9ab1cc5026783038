/** Lives of Pods, told of two kubelets. */
import type { Side } from '../side.ts';
import { endOf, isReady, restartsOf } from './chronicle.ts';
import type { Gap } from './moment.ts';
import { nextOwner } from './next-owner.ts';
import { type Life, PodLife } from './pod-life.ts';

export interface PodStory {
  readonly name: string;
  tell(side: Side): Promise<Life>;
}

const well = () => ({ status: 200 });
/** Where nobody listens. */
const nowhere = { host: '127.0.0.1', port: 1, path: '/' };
const hookGaps: readonly Gap[] = [
  ['deletion', 'GET hook', 'loose'],
  ['GET hook', 'web TERM'],
  ['web TERM', 'web exited 0'],
  ['web exited 0', 'gone', 'loose'],
];

function probe(answering: object, rest: object = {}): object {
  return { httpGet: answering, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 1, ...rest };
}

function preStop(httpGet: object): object {
  return { lifecycle: { preStop: { httpGet } } };
}

export const stories: readonly PodStory[] = [
  { name: 'started', tell: started },
  { name: 'unready for a while', tell: unready },
  { name: 'crashing again and again', tell: crashing },
  {
    name: 'deleted, with a hook that takes its time',
    tell: side =>
      hooked(
        side,
        'slow',
        () => ({ status: 200, afterMs: 3_000 }),
        pod => pod.delete(),
      ),
  },
  { name: 'deleted, with a hook that nobody answers', tell: refused },
  { name: 'deleted, with a hook longer than its grace', tell: overlong },
  {
    name: 'deleted without grace',
    tell: side =>
      hooked(
        side,
        'forced',
        () => undefined,
        pod => pod.delete({ gracePeriodSeconds: 0 }),
      ),
  },
  {
    name: 'evicted',
    tell: side =>
      hooked(
        side,
        'evicted-alive',
        () => ({ status: 503, afterMs: 1_000 }),
        pod => pod.evict(),
      ),
  },
  { name: 'restarted for its liveness', tell: lifeless },
  { name: 'deleted, when the kubelet starts anew in its hook', tell: kubeletRestart },
  { name: 'deleted, with two containers', tell: twoContainers },
  { name: 'followed by another at its address', tell: nextOwner },
];

async function started(side: Side): Promise<Life> {
  using pod = new PodLife(side, 'started');
  const readinessProbe = probe(pod.answering('ready', well));
  await pod.create({ containers: [{ name: 'web', ...side.programs.obedient, readinessProbe }] });
  await pod.until('to be ready', isReady);
  await pod.waitFor('to be probed', () => pod.calls('ready').length > 3 || undefined);
  const life = await pod.told(
    [
      ['web started', 'ready', 'loose'],
      ['GET ready #2', 'GET ready #3'],
    ],
    ['ready'],
  );
  return { ...life, more: { userAgent: pod.calls('ready')[0]?.userAgent } };
}

async function unready(side: Side): Promise<Life> {
  using pod = new PodLife(side, 'unready');
  let isWell = true;
  const answer = pod.answering('ready', () => ({ status: isWell ? 200 : 503 }));
  const readinessProbe = probe(answer, { failureThreshold: 2 });
  await pod.create({ containers: [{ name: 'web', ...side.programs.obedient, readinessProbe }] });
  await pod.untilReady();
  isWell = false;
  await pod.waitFor('to be unready', () => !pod.isReady() || undefined);
  isWell = true;
  await pod.waitFor('to be ready again', () => pod.isReady() || undefined);
  const life = await pod.told([['ready', 'not ready', 'loose']]);
  return { ...life, status: { Ready: life.status.Ready ?? [], 'web ready': life.status['web ready'] ?? [] } };
}

/** Only the end of the status: quick restarts may pass over updates between. */
async function crashing(side: Side): Promise<Life> {
  using pod = new PodLife(side, 'crashing');
  await pod.create({ containers: [{ name: 'web', ...side.programs.crashing }] });
  await pod.until('to be started twice again', seen => restartsOf(seen) === 2);
  const gaps: readonly Gap[] = [
    ['web started', 'web exited 3', 'loose'],
    ['web exited 3', 'web started #2', 'loose'],
    ['web exited 3 #2', 'web started #3', 'loose'],
  ];
  const life = await pod.told(gaps);
  const { web = [] } = life.containers;
  const { phase = [], 'web restarts': restarts = [] } = endOf(life.status);
  return { ...life, status: { phase, restarts }, containers: { web: web.slice(0, 5) } };
}

async function hooked(
  side: Side,
  name: string,
  manner: Parameters<PodLife['answering']>[1],
  end: (pod: PodLife) => Promise<unknown>,
): Promise<Life> {
  using pod = new PodLife(side, name);
  const hook = pod.answering('hook', manner);
  await pod.create({ containers: [{ name: 'web', ...side.programs.obedient, ...preStop(hook) }] });
  await pod.untilReady();
  await end(pod);
  await pod.untilGone();
  await pod.waitFor(
    'to be signalled',
    () => pod.moments().some(({ what }) => what.startsWith('web exited')) || undefined,
  );
  const life = await pod.told(hookGaps, ['hook']);
  return { ...life, more: pod.calls('hook').map(({ userAgent }) => userAgent) };
}

async function refused(side: Side): Promise<Life> {
  using pod = new PodLife(side, 'refused');
  await pod.create({ containers: [{ name: 'web', ...side.programs.obedient, ...preStop(nowhere) }] });
  await pod.untilReady();
  await pod.delete();
  await pod.untilGone();
  return await pod.told([
    ['deletion', 'web TERM', 'loose'],
    ['web TERM', 'web exited 0'],
    ['web exited 0', 'gone', 'loose'],
  ]);
}

async function overlong(side: Side): Promise<Life> {
  using pod = new PodLife(side, 'overlong');
  const hook = pod.answering('hook', () => undefined);
  await pod.create({ containers: [{ name: 'web', ...side.programs.stubborn, ...preStop(hook) }] });
  await pod.untilReady();
  await pod.delete({ gracePeriodSeconds: 4 });
  await pod.untilGone();
  return await pod.told(
    [
      ['GET hook', 'web TERM'],
      ['web TERM', 'web KILL'],
      ['web KILL', 'web exited 137'],
      ['web exited 137', 'gone', 'loose'],
    ],
    ['hook'],
  );
}

async function lifeless(side: Side): Promise<Life> {
  using pod = new PodLife(side, 'lifeless');
  let isAlive = true;
  const livenessProbe = probe(pod.answering('alive', () => ({ status: isAlive ? 200 : 503 })));
  const hook = pod.answering('hook', () => {
    isAlive = true;
    return { status: 200, afterMs: 2_000 };
  });
  await pod.create({
    containers: [{ name: 'web', ...side.programs.obedient, livenessProbe, ...preStop(hook) }],
  });
  await pod.untilReady();
  isAlive = false;
  await pod.until('to be ready again', seen => restartsOf(seen) === 1 && isReady(seen));
  const life = await pod.told(
    [
      ['GET hook', 'web TERM'],
      ['web TERM', 'web exited 0'],
      ['web exited 0', 'web started #2', 'loose'],
    ],
    ['hook'],
  );
  return { ...life, status: endOf(life.status) };
}

/** On a node of its own: what runs there beside it would feel it. */
async function kubeletRestart(side: Side): Promise<Life> {
  using pod = new PodLife(side, 'twice-called');
  const hook = pod.answering('hook', call => (call === 1 ? undefined : { status: 200, afterMs: 1_000 }));
  await pod.create({ containers: [{ name: 'web', ...side.programs.obedient, ...preStop(hook) }] }, 1);
  await pod.untilReady();
  await pod.delete();
  await pod.waitFor('to be asked', () => pod.calls('hook')[0]);
  await side.restartKubelet(1);
  await pod.untilGone();
  const { status, containers, gaps } = await pod.told(
    [
      ['web TERM', 'web exited 0'],
      ['web exited 0', 'gone', 'loose'],
    ],
    ['hook'],
  );
  return { status: endOf(status), containers, gaps, more: { calls: pod.calls('hook').length } };
}

async function twoContainers(side: Side): Promise<Life> {
  using pod = new PodLife(side, 'two');
  const containers = [1, 3].map(seconds => {
    const hook = pod.answering(`hook-${seconds}`, () => ({ status: 200, afterMs: seconds * 1_000 }));
    return { name: `web-${seconds}`, ...side.programs.obedient, ...preStop(hook) };
  });
  await pod.create({ containers });
  await pod.untilReady();
  await pod.delete();
  await pod.untilGone();
  const gaps: readonly Gap[] = [
    ['GET hook-1', 'GET hook-3'],
    ['GET hook-1', 'web-1 TERM'],
    ['GET hook-3', 'web-3 TERM'],
    ['web-1 TERM', 'web-3 TERM'],
  ];
  return await pod.told(gaps, ['hook-1', 'hook-3']);
}
