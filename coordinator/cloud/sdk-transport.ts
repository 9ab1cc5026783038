import http from 'node:http';
import https from 'node:https';
import { clb } from 'tencentcloud-sdk-nodejs/tencentcloud/services/clb/index.js';
import type { CredentialSource } from './credentials.ts';
import { isObject } from './reply-fields.ts';
import { ClbApiError, ClbConnectionError, type ClbTransport } from './transport.ts';

export interface SdkClbTransportOptions {
  /** For example `ap-guangzhou`. */
  readonly region: string;
  /** `scheme://host[:port]`. */
  readonly endpoint: string;
  readonly credentials: CredentialSource;
}

/**
 * The SDK's own limit, behind every deadline of ours. The SDK does not notice an answer that breaks off in its middle, so
 * without a limit such a call would hold its socket for a minute.
 */
const REQUEST_TIMEOUT_SECONDS = 10;
/** More than the rate limit lets be in flight at the latencies that CLB has. */
const SOCKETS_MAX = 64;

/** The public endpoint; inside a VPC `https://clb.internal.tencentcloudapi.com` needs no way out. */
export const DEFAULT_ENDPOINT = 'https://clb.tencentcloudapi.com';

/** @throws RangeError naming the endpoint unless it is `http(s)://host[:port]`. */
export function parseEndpoint(endpoint: string): { protocol: 'http://' | 'https://'; host: string } {
  const match = /^(https?:\/\/)([^/?#@\s]+)\/?$/.exec(endpoint);
  if (!match || !URL.canParse(endpoint)) {
    throw new RangeError(`the CLB endpoint must be http(s)://host[:port], not "${endpoint}"`);
  }
  return { protocol: match[1] === 'http://' ? 'http://' : 'https://', host: match[2] as string };
}

export interface SdkClbTransport extends ClbTransport {
  /** Closes idle connections. */
  close(): void;
}

/**
 * Calls CLB through the official SDK over kept-alive connections. The SDK would take a proxy from the environment, but
 * not when it is given an agent, so a cluster's `http_proxy` does not matter.
 */
export function sdkClbTransport({ region, endpoint, credentials }: SdkClbTransportOptions): SdkClbTransport {
  const { protocol, host } = parseEndpoint(endpoint);
  const { Agent } = protocol === 'http://' ? http : https;
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX });
  const profile = { httpProfile: { endpoint: host, protocol, agent, reqTimeout: REQUEST_TIMEOUT_SECONDS } };
  return {
    async call(action, parameters, signal) {
      const credential = await credentials.get(signal);
      const client = new clb.v20180317.Client({ credential, region, profile });
      try {
        return asReply(action, await client.request(action, parameters, { signal }));
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof ClbConnectionError) throw error;
        const translated = translate(action, error);
        if (translated instanceof ClbApiError && translated.code.startsWith('AuthFailure')) credentials.renew();
        throw translated;
      }
    },
    close: () => agent.destroy(),
  };
}

function asReply(action: string, reply: unknown): Record<string, unknown> {
  if (isObject(reply)) return { ...reply };
  throw new ClbConnectionError(action, 'the answer has no Response');
}

/** What the SDK throws: with a code CLB answered, with a status somebody else did, with neither the network failed. */
interface SdkException extends Error {
  readonly requestId: string;
  readonly code?: string;
  readonly httpCode?: number;
}

/** By its fields, since the class is not exported in a form that every loader reads alike. */
function isSdkException(error: Error): error is SdkException {
  return 'requestId' in error && 'traceId' in error;
}

function translate(action: string, error: unknown): ClbApiError | ClbConnectionError {
  const cause = error instanceof Error ? error : new Error(String(error));
  // No JSON, or no Response in it, escapes from the SDK as an error of any class.
  if (!isSdkException(cause)) {
    return new ClbConnectionError(action, `the answer is no API answer: ${cause.message}`, { cause });
  }
  if (cause.code) return new ClbApiError(action, cause.code, cause.message, cause.requestId);
  const text = cause.httpCode === undefined ? cause.message : `HTTP status ${cause.httpCode} ${cause.message}`;
  return new ClbConnectionError(action, text, { cause });
}
