import { connect, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Connection } from './forwarding.ts';
import type { TargetAddress } from './target-pool.ts';

/** A connection to a target, from the client's own address. */
export function dial(target: TargetAddress, clientAddress: string): Socket {
  return connect({
    host: target.address,
    port: target.port,
    localAddress: clientAddress,
    allowHalfOpen: true,
    noDelay: true,
  });
}

/** What a person has to know when `dial` failed by this error; undefined when it is the target's affair. */
export function cannotDial(target: TargetAddress, clientAddress: string, error: Error): string | undefined {
  if (!('code' in error && error.code === 'EADDRNOTAVAIL')) return undefined;
  return `cannot connect from ${clientAddress} to ${target.address}:${target.port} (EADDRNOTAVAIL): the client's address must be one of this machine, with ports left`;
}

/** Ends a connection so that the other side sees an error; one of TLS, which has no reset, in the middle of a record. */
export function reset(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}

/** Each direction ends on its own; a reset, a refusal or an error resets the other side. */
export function join(client: Socket, backend: Socket, connection: Pick<Connection, 'close'>): void {
  client.on('error', () => reset(backend));
  backend.on('error', () => reset(client));
  client.pipe(backend);
  backend.pipe(client);
  let open = 2;
  const onClose = (other: Socket) => {
    open -= 1;
    if (!other.writableEnded && !other.destroyed) reset(other);
    if (open === 0) connection.close();
  };
  client.once('close', () => onClose(backend));
  backend.once('close', () => onClose(client));
}
