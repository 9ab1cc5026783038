import { eventually } from './eventually.ts';
import { ask, namespace, paths, type Side, succeed } from './side.ts';

/** Creates the namespace and waits until Pods can be made in it. */
export async function prepare(side: Side): Promise<void> {
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  await succeed(ask(side, 'POST', '/api/v1/namespaces', { body }));
  const account = `${paths.serviceAccounts}/default`;
  await succeed(
    eventually(
      side,
      () => ask(side, 'GET', account),
      ({ status }) => status === 200,
    ),
  );
}
