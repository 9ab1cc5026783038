import { expect, test } from 'vitest';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import { Knowledge } from '../knowledge.ts';
import { serviceRecord } from '../service.fixture.ts';
import { Claims, selectionOf } from './claims.ts';

function claims(fields: Parameters<typeof serviceRecord>[0]) {
  const knowledge = new Knowledge();
  knowledge.services.replace(new Map([['default/web', serviceRecord(fields)]]));
  let tke: boolean | undefined;
  const made = new Claims({
    names: DEFAULT_INSTANCE,
    knowledge,
    tkeController: () => tke,
    held: { has: () => true },
    certificates: { of: () => undefined },
  });
  return { made, found: (is: boolean) => (tke = is) };
}

test('a Service that TKE may be serving is not taken on before it is known whether its controller is there', () => {
  const { made, found } = claims({ finalized: false });
  expect(made.refresh('default/web')).toMatchObject({ after: undefined, problems: [] });
  found(true);
  expect(made.refresh('default/web')).toMatchObject({ after: undefined, problems: [{ code: 'CD3001' }] });
  found(false);
  expect(made.refresh('default/web').after?.intent.rules).toHaveLength(1);
});

test('one that is ours already is served whatever is known of that', () => {
  const { made } = claims({ finalized: true });
  const { after } = made.refresh('default/web');
  expect(after && selectionOf(after)).toEqual({
    uid: 'service-uid',
    namespace: 'default',
    selectors: [{ app: 'web' }],
  });
});
