import { certificateOf } from './certificate-parameters.ts';
import { ClbError } from './clb-error.ts';
import type { ActionContext } from './plan.ts';
import type { Listener, RuleSettings } from './state.ts';

type Shared = Pick<RuleSettings, 'certificate' | 'http2'>;
type Given = Parameters<typeof certificateOf>[1] & { readonly Http2?: boolean };

/**
 * What new rules say about their domains, with what these have already: a domain has one certificate, the last one given.
 * @throws ClbError when a domain of a listener with SNI would have none.
 */
export function sharedByDomain(
  context: ActionContext,
  listener: Listener,
  inputs: readonly (Given & { readonly Domain: string })[],
): ReadonlyMap<string, Shared> {
  const shared = new Map<string, Shared>();
  for (const input of inputs) {
    const { Domain: name } = input;
    const known = shared.get(name) ?? sharedNow(listener, name);
    shared.set(name, { ...known, ...domainSettings(context, listener, input) });
  }
  const bare = [...shared].find(([, { certificate }]) => listener.settings.isSni && !certificate);
  if (!bare) return shared;
  throw new ClbError('InvalidParameter', `Domain ${bare[0]} needs a certificate, since the listener has SNI.`);
}

function sharedNow(listener: Listener, name: string): Shared {
  const rule = [...listener.rules.values()].find(({ settings }) => settings.domain === name);
  const { certificate, http2 } = rule?.settings ?? {};
  return { ...(certificate && { certificate }), ...(http2 !== undefined && { http2 }) };
}

/** What a request says about a domain. @throws ClbError when the listener does not take it. */
export function domainSettings(context: ActionContext, { settings }: Listener, given: Given): Shared {
  const certificate = certificateOf(context, given);
  if (certificate && !settings.isSni) {
    throw new ClbError(
      'InvalidParameter',
      `Listener ${settings.id} has no SNI, so that its domains have no certificate.`,
    );
  }
  if (given.Http2 && settings.protocol !== 'HTTPS') {
    throw new ClbError('InvalidParameter', 'Http2 is for domains of HTTPS listeners only.');
  }
  return { ...(certificate && { certificate }), ...(given.Http2 !== undefined && { http2: given.Http2 }) };
}
