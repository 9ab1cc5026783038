import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { ProbeTarget } from './health-checker.ts';
import type { HttpCheckSettings } from './state.ts';

/** Whether the target answers a request from the VIP with a status that passes. Its certificate is not checked. */
export function probeHttp(target: ProbeTarget, check: HttpCheckSettings, signal: AbortSignal): Promise<boolean> {
  const { vip, address, port } = target;
  const open = check.protocol === 'HTTPS' ? requestHttps : requestHttp;
  return new Promise(resolve => {
    const request = open({
      host: address,
      port,
      localAddress: vip,
      method: check.method,
      path: check.path,
      headers: { host: check.domain === '' ? address : check.domain, 'user-agent': 'clb-healthcheck' },
      agent: false,
      rejectUnauthorized: false,
      signal,
    });
    request.once('response', response => {
      response.on('error', () => undefined);
      resolve(passes(response.statusCode ?? 0, check.passingStatuses));
      request.destroy();
    });
    request.on('error', () => resolve(false));
    request.end();
  });
}

/** A bit for each hundred: 1 is 1xx, 2 is 2xx, 4 is 3xx, 8 is 4xx, 16 is 5xx. */
export function passes(status: number, passingStatuses: number): boolean {
  const hundred = Math.floor(status / 100);
  return hundred >= 1 && hundred <= 5 && (passingStatuses & (1 << (hundred - 1))) !== 0;
}
