import { INSTANCE_OPTIONS } from '../../common/instance-options.ts';
import { integer, type OptionValues, text } from '../../common/options.ts';
import { COORDINATOR_OPTIONS } from '../options.ts';

/** What `clb-direct release` takes on its command line. */
export const RELEASE_OPTIONS = {
  kubeconfig: text({
    description: "kubeconfig; without it the Pod's own account",
    placeholder: 'FILE',
    optional: true,
  }),
  namespace: text({ description: 'namespace of clb-direct', placeholder: 'NAME', default: 'clb-direct' }),
  ...INSTANCE_OPTIONS,
  region: text({
    description: 'region of the load balancers, which are marked as released; without it they keep their names',
    placeholder: 'REGION',
    optional: true,
  }),
  clusterName: COORDINATOR_OPTIONS.clusterName,
  clbEndpoint: COORDINATOR_OPTIONS.clbEndpoint,
  nodeCleanupFile: text({
    description: 'JSON of the DaemonSet that takes the redirect rule off each node; without it the rules stay',
    placeholder: 'FILE',
    optional: true,
  }),
  timeoutSeconds: integer({
    description: 'all of it ends by then, done or not',
    default: 240,
    minimum: 30,
    maximum: 3_600,
  }),
};

export type ReleaseOptionValues = OptionValues<typeof RELEASE_OPTIONS>;
