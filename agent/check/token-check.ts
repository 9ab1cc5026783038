import { TOKEN_AUDIENCE } from '../../common/names.ts';
import { CheckError } from './check.ts';

const PROJECTION = `mount a projected serviceAccountToken volume with audience ${TOKEN_AUDIENCE} and name its file with --token-file`;

/** The claims that are looked at; everything of them may be missing. */
interface Claims {
  aud?: unknown;
  exp?: unknown;
  'kubernetes.io'?: { node?: { name?: unknown }; pod?: { name?: unknown } };
}

/**
 * What a ServiceAccount token says of itself; whether it is genuine only the API server knows. A token that is no JWT
 * says nothing. @throws CheckError when a coordinator would not take it.
 */
export function describeToken(
  token: string,
  { nodeName, wallNowMs }: { readonly nodeName: string; readonly wallNowMs: number },
): string {
  const claims = claimsOf(token);
  if (!claims) return 'a token that tells nothing of itself';
  const audiences = [claims.aud].flat();
  if (!audiences.includes(TOKEN_AUDIENCE)) {
    throw new CheckError(`the token is for ${audiences.join(', ')}, not for ${TOKEN_AUDIENCE}`, PROJECTION);
  }
  const leftMs = Number(claims.exp) * 1_000 - wallNowMs;
  if (leftMs <= 0) {
    throw new CheckError(
      'the token has expired',
      "see why the kubelet does not renew it, and whether this node's clock is right",
    );
  }
  const { node, pod } = claims['kubernetes.io'] ?? {};
  if (node?.name === undefined) {
    throw new CheckError('the token is bound to no node', `${PROJECTION}, on Kubernetes 1.30 or later`);
  }
  if (node.name !== nodeName) {
    throw new CheckError(
      `the token is bound to node ${node.name}, the agent is told that it runs on ${nodeName}`,
      'take --node-name from spec.nodeName of the Pod',
    );
  }
  return `of Pod ${pod?.name} on ${node.name}, valid for ${Math.round(leftMs / 60_000)} min`;
}

function claimsOf(token: string): Claims | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? claims : undefined;
  } catch {
    return undefined;
  }
}
