import type { KubeRequest, KubeTransport } from '../../common/kube/transport.ts';
import { requestShape } from './request-shape.ts';

/** Passes everything on and tells the shapes of the requests. */
export function recordingShapes(transport: KubeTransport, seen: Set<string>): KubeTransport {
  const note = (request: KubeRequest, isWatch: boolean) => void seen.add(requestShape(request, isWatch));
  return {
    request(request, signal) {
      note(request, false);
      return transport.request(request, signal);
    },
    watch(request, signal) {
      note(request, true);
      return transport.watch(request, signal);
    },
  };
}
