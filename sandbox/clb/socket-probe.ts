import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Clock } from '../../common/clock.ts';
import type { HealthProbe, ProbeTarget } from './health-checker.ts';
import { probeHttp } from './http-probe.ts';

/** A UDP target that has not refused for this long passes; below the shortest timeout, 2 s. */
const UDP_SILENCE_MS = 1_000;
const UDP_PAYLOAD = 'HEALTH CHECK';

/**
 * Probes that really connect, from the VIP: by a request where the check is one of HTTP; else UDP by a datagram that
 * must not be refused (ICMP port unreachable), and everything else by a connection that is closed at once.
 */
export function socketProbe(clock: Clock): HealthProbe {
  return (target, signal) => {
    if (target.http) return probeHttp(target, target.http, signal);
    return target.protocol === 'UDP' ? probeUdp(clock, target, signal) : probeTcp(target, signal);
  };
}

function probeTcp({ vip, address, port }: ProbeTarget, signal: AbortSignal): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: address, port, localAddress: vip });
    const onAbort = () => finish(false);
    const finish = (passed: boolean) => {
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(passed);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('connect', () => finish(true));
    socket.on('error', () => finish(false));
  });
}

function probeUdp(clock: Clock, { vip, address, port }: ProbeTarget, signal: AbortSignal): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createSocket('udp4');
    const onAbort = () => finish(false);
    const silence = clock.schedule(UDP_SILENCE_MS, () => finish(true));
    let isFinished = false;
    const finish = (passed: boolean) => {
      if (isFinished) return;
      isFinished = true;
      silence.cancel();
      signal.removeEventListener('abort', onAbort);
      socket.close();
      resolve(passed);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', () => finish(false));
    socket.bind({ address: vip, port: 0 }, () => {
      if (!isFinished) socket.connect(port, address, () => isFinished || socket.send(UDP_PAYLOAD));
    });
  });
}
