import childProcess from 'node:child_process';
import dgram from 'node:dgram';
import dns from 'node:dns';
import fs from 'node:fs';
import fsPromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import timers from 'node:timers';
import timersPromises from 'node:timers/promises';

type Functions = Record<string, unknown>;

/**
 * From now on whatever reaches for the real world throws: virtual time is only worth something if nothing beside it can
 * tell the time, wait, draw, read or speak to anybody. `setImmediate` stays: the virtual clock lets microtasks run with it.
 */
export function forbidRealWorld(): void {
  for (const module of [fs, fsPromises, dns, childProcess, timersPromises]) forbidAll(module as unknown as Functions);
  for (const name of ['setTimeout', 'setInterval']) {
    forbid(timers as unknown as Functions, name);
    forbid(globalThis as unknown as Functions, name);
  }
  forbid(net.Socket.prototype as unknown as Functions, 'connect');
  forbid(net.Server.prototype as unknown as Functions, 'listen');
  forbid(dgram as unknown as Functions, 'createSocket');
  forbid(globalThis as unknown as Functions, 'fetch');
  forbid(Math as unknown as Functions, 'random');
  forbid(Date as unknown as Functions, 'now');
  forbid(performance as unknown as Functions, 'now');
  forbid(AbortSignal as unknown as Functions, 'timeout');
  syncBuiltinESMExports();
}

function forbidAll(module: Functions): void {
  // Classes stay: the streams that carry standard output are made of them.
  for (const [name, value] of Object.entries(module)) {
    if (typeof value === 'function' && !/^[A-Z]/.test(name)) forbid(module, name);
  }
}

function forbid(owner: Functions, name: string): void {
  Object.defineProperty(owner, name, {
    configurable: true,
    value: () => {
      throw new Error(`a virtual run called ${name}`);
    },
  });
}
