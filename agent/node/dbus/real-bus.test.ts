import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { silentLogger } from '../../../common/logger.ts';
import { seededRandom } from '../../../common/random.ts';
import { VirtualClock } from '../../../common/virtual-clock.ts';
import { NodeSignKind } from '../../../proto/gen/clbdirect/v1/report.ts';
import { shutdownNotice } from '../shutdown-notice.ts';
import type { NodeSignSource, Sign } from '../sign-source.ts';
import type { ByteStream } from './byte-stream.ts';
import { encodeMessage, stringBody } from './dbus-message.ts';
import { dbusMessages } from './dbus-messages.ts';
import { unixConnector } from './unix-connector.ts';

const DAEMON = '/usr/bin/dbus-daemon';
const SEND = '/usr/bin/dbus-send';
const isInstalled = existsSync(DAEMON) && existsSync(SEND);
const suite = isInstalled ? 'on a real bus' : `on a real bus (skipped: ${DAEMON} and ${SEND} are not installed)`;

const BUS = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' };
const LOGIND = { path: '/org/freedesktop/login1', interface: 'org.freedesktop.login1.Manager' };
const { signal } = new AbortController();

const configuration = (socket: string) => `<busconfig><type>custom</type><listen>unix:path=${socket}</listen>
<auth>EXTERNAL</auth><policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>`;

const truth = (value: boolean) => ({ signature: 'b', body: Buffer.from([value ? 1 : 0, 0, 0, 0]) });

/** Owns logind's name on the bus, and answers for its property. */
class StandIn {
  isPreparing = false;
  readonly #stream: ByteStream;

  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  /** Resolves when the name is owned. */
  async own(): Promise<void> {
    const call = { ...BUS, type: 'call' as const };
    const { body } = stringBody('org.freedesktop.login1');
    const padding = Buffer.alloc((4 - (body.length % 4)) % 4);
    const flags = Buffer.from([4, 0, 0, 0]);
    const named = { signature: 'su', body: Buffer.concat([body, padding, flags]) };
    const opening = Buffer.concat([
      encodeMessage({ ...call, serial: 1, member: 'Hello', ...stringBody() }),
      encodeMessage({ ...call, serial: 2, member: 'RequestName', ...named }),
    ]);
    const owned = Promise.withResolvers<void>();
    const serve = async () => {
      for await (const message of dbusMessages(this.#stream, opening)) {
        if (message.replySerial === 2) owned.resolve();
        if (message.member === 'Get' && message.sender) this.#answer(message.serial, message.sender);
      }
    };
    serve().catch(owned.reject);
    await owned.promise;
  }

  prepare(isPreparing: boolean): void {
    this.isPreparing = isPreparing;
    const body = truth(isPreparing);
    this.#stream.write(encodeMessage({ type: 'signal', serial: 9, ...LOGIND, member: 'PrepareForShutdown', ...body }));
  }

  #answer(replySerial: number, destination: string): void {
    const variant = Buffer.from([1, 'b'.charCodeAt(0), 0, 0, this.isPreparing ? 1 : 0, 0, 0, 0]);
    const value = { signature: 'v', body: variant };
    this.#stream.write(encodeMessage({ type: 'return', serial: 9, replySerial, destination, ...value }));
  }
}

describe.skipIf(!isInstalled)(suite, () => {
  let folder: string;
  let socket: string;
  let daemon: ChildProcess;
  let clock: VirtualClock;
  let told: (readonly Sign[])[];
  let source: NodeSignSource;
  let stop: AbortController;
  let stopped: Promise<void>;
  let streams: ByteStream[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'clb-direct-bus-'));
    socket = join(folder, 'bus');
    await writeFile(join(folder, 'bus.conf'), configuration(socket));
    [told, streams] = [[], []];
    [stop, stopped] = [new AbortController(), Promise.resolve()];
    await startDaemon();
  });
  afterEach(async () => {
    stop.abort();
    await stopped;
    for (const stream of streams) stream.close();
    await stopDaemon();
    await rm(folder, { recursive: true });
  });

  async function startDaemon(): Promise<void> {
    const flags = [`--config-file=${join(folder, 'bus.conf')}`, '--nofork', '--nopidfile', '--print-address=1'];
    daemon = spawn(DAEMON, flags, { stdio: ['ignore', 'pipe', 'ignore'] });
    if (!daemon.stdout) throw new Error('the bus has no output');
    await new Promise(resolve =>
      createInterface({ input: daemon.stdout as NodeJS.ReadableStream }).once('line', resolve),
    );
  }

  async function stopDaemon(): Promise<void> {
    const ended = new Promise(resolve => daemon.once('exit', resolve));
    daemon.kill();
    await ended;
  }

  async function logind(): Promise<StandIn> {
    const stream = await unixConnector(socket).connect(signal);
    streams.push(stream);
    const standIn = new StandIn(stream);
    await standIn.own();
    return standIn;
  }

  function listen(): void {
    clock = new VirtualClock();
    source = shutdownNotice({ clock, random: seededRandom(1), log: silentLogger, bus: unixConnector(socket) });
    stopped = source.run(signs => told.push(signs), stop.signal);
  }

  const kinds = () => told.map(signs => signs.map(({ kind }) => kind));
  const untilTold = (expected: readonly (readonly NodeSignKind[])[]) =>
    vi.waitFor(() => expect(kinds()).toEqual(expected), { interval: 5 });
  const untilHeard = () => vi.waitFor(() => expect(source.describe()).toMatch(/^listens/), { interval: 5 });

  test("logind's signal is heard, and that the shutdown was called off", async () => {
    const standIn = await logind();
    listen();
    await untilTold([[]]);
    standIn.prepare(true);
    await untilTold([[], [NodeSignKind.SHUTDOWN]]);
    standIn.prepare(false);
    await untilTold([[], [NodeSignKind.SHUTDOWN], []]);
  });

  test('a shutdown that began before is heard of', async () => {
    const standIn = await logind();
    standIn.isPreparing = true;
    listen();
    await untilTold([[NodeSignKind.SHUTDOWN]]);
  });

  test('a logind that comes later is heard', async () => {
    listen();
    await untilHeard();
    expect(source.describe()).toBe('listens, but no logind answers');
    (await logind()).prepare(true);
    await untilTold([[NodeSignKind.SHUTDOWN]]);
  });

  test('the same signal of somebody else is not believed, broadcast or straight to us', async () => {
    const standIn = await logind();
    listen();
    await untilTold([[]]);
    const forged = ['--type=signal', LOGIND.path, `${LOGIND.interface}.PrepareForShutdown`, 'boolean:true'];
    const everybody = Array.from({ length: 10 }, (_, index) => [`--dest=:1.${index}`]);
    for (const destination of [[], ...everybody]) {
      execFileSync(SEND, [`--bus=unix:path=${socket}`, ...destination, ...forged]);
    }
    standIn.prepare(false);
    await untilTold([[], []]);
  });

  test('a bus that restarts is listened to again', async () => {
    await logind();
    listen();
    await untilTold([[]]);
    await stopDaemon();
    await startDaemon();
    (await logind()).isPreparing = true;
    // Virtual time goes on beside real sockets: slowly, so that a connection has time to come about.
    await vi.waitFor(
      async () => {
        await clock.advance(100);
        expect(kinds()).toEqual([[], [NodeSignKind.SHUTDOWN]]);
      },
      { interval: 10, timeout: 10_000 },
    );
  });
});

test('a socket that is not there is an error that names it', async () => {
  await expect(unixConnector('/nowhere/bus').connect(signal)).rejects.toThrow('connect ENOENT /nowhere/bus');
});
