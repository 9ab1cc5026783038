import type { Clock } from '../../common/clock.ts';
import { httpsKubeTransport } from '../../common/kube/https-transport.ts';
import { loadKubeConfig } from '../../common/kube/kubeconfig.ts';
import { listenAddress } from '../../common/listen-address.ts';
import type { AgentOptionValues } from '../options.ts';
import { grpcReportConnector, tryCoordinator } from '../report/grpc-connector.ts';
import { GrpcRuntimeClient } from '../runtime/grpc-runtime-client.ts';
import type { Check } from './check.ts';
import { coordinatorCheck } from './coordinator-checks.ts';
import { kubeChecks } from './kube-checks.ts';
import { authorityCheck, procCheck, tokenCheck } from './proc-check.ts';
import { portCheck } from './socket-checks.ts';

export interface NodeChecksOptions {
  readonly values: AgentOptionValues;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
}

/** Everything that an agent with these options needs or can use of its node. */
export function nodeChecks({ values, environment, clock }: NodeChecksOptions): Check[] {
  const { coordinator, coordinatorCaFile, tokenFile, nodeName, kubeconfig, procRoot, httpListen } = values;
  const report = { ...listenAddress(coordinator), certificateAuthorityFile: coordinatorCaFile, tokenFile };
  const { resolve } = grpcReportConnector(report);
  const attempt = (address: string, signal: AbortSignal) => tryCoordinator(report, address, signal);
  const kube = async () => httpsKubeTransport(await loadKubeConfig({ kubeconfigPath: kubeconfig, environment }));
  return [
    ...kubeChecks({ kube, nodeName }),
    authorityCheck(coordinatorCaFile),
    tokenCheck(tokenFile, { nodeName, wallNowMs: clock.wallNow() }),
    coordinatorCheck({ coordinator, resolve, attempt }),
    procCheck(procRoot),
    ...(values.runtime === 'none' ? [] : [runtimeCheck(values.runtimeSocket)]),
    portCheck('--http-listen', listenAddress(httpListen)),
    portCheck('--drain-listen', listenAddress(values.drainListen)),
  ];
}

function runtimeCheck(socketPath: string): Check {
  return {
    name: 'container runtime',
    without: "container exits are told by the Pods' statuses, about a second later",
    remedy: `mount the folder of ${socketPath} from the host, or name the socket with --runtime-socket`,
    look: async signal => {
      const client = new GrpcRuntimeClient(socketPath);
      try {
        const { runtimeName, runtimeVersion } = await client.version(signal);
        return `${runtimeName} ${runtimeVersion}`;
      } finally {
        client.close();
      }
    },
  };
}
