import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseRule, type RuleMatcher } from './rule-choice.ts';

function rule(domain: string, url = '/', isDefaultDomain = false): RuleMatcher {
  return { domain, url, isDefaultDomain };
}

const RULES = [
  rule('www.example.com', '/'),
  rule('www.example.com', '/api'),
  rule('www.example.com', '/api/v2/'),
  rule('www.example.com', '=/api/v2/health'),
  rule('www.example.com', '~ ^/reports/[0-9]+$'),
  rule('www.example.com', '~* \\.png$'),
  rule('*.example.com'),
  rule('*.shop.example.com'),
  rule('www.example.*'),
  rule('www.*'),
  rule('default.test', '/', true),
  rule('default.test', '/only/', true),
];

describe('a request goes to the rule', () => {
  it.each([
    ['of its domain', 'www.example.com', '/', 'www.example.com', '/'],
    ['whatever the port and the case of the host', 'WWW.Example.COM:8080', '/', 'www.example.com', '/'],
    ['with the longest beginning of the path', 'www.example.com', '/api/v2/pods', 'www.example.com', '/api/v2/'],
    ['with a beginning that ends within a word', 'www.example.com', '/apis', 'www.example.com', '/api'],
    ['with the path itself, rather', 'www.example.com', '/api/v2/health', 'www.example.com', '=/api/v2/health'],
    ['whatever the query', 'www.example.com', '/api/v2/health?deep=/x', 'www.example.com', '=/api/v2/health'],
    ['but an exact path takes nothing below it', 'www.example.com', '/api/v2/health/x', 'www.example.com', '/api/v2/'],
    ['whose expression fits', 'www.example.com', '/reports/7', 'www.example.com', '~ ^/reports/[0-9]+$'],
    [
      'whose expression fits in any case, before a beginning',
      'www.example.com',
      '/api/A.PNG',
      'www.example.com',
      '~* \\.png$',
    ],
    ['and not one whose expression does not', 'www.example.com', '/reports/x', 'www.example.com', '/'],
    ['of a wildcard that ends its domain', 'api.example.com', '/', '*.example.com', '/'],
    ['of a wildcard over more than one label', 'a.b.example.com', '/', '*.example.com', '/'],
    ['of the longest wildcard', 'a.shop.example.com', '/', '*.shop.example.com', '/'],
    ['of a wildcard that begins its domain', 'www.example.org', '/', 'www.example.*', '/'],
    ['of the longest of those', 'www.other.org', '/', 'www.*', '/'],
    ['of the default domain when no other fits', 'example.com', '/', 'default.test', '/'],
    ['of the default domain when it names an address', '127.100.0.1', '/only/x', 'default.test', '/only/'],
  ])('%s', (_, host, path, domain, url) => {
    expect(chooseRule(RULES, { host, path })).toMatchObject({ domain, url });
  });

  it('of no other domain when its own has none for the path', () => {
    const rules = [rule('www.example.com', '/api'), rule('*.example.com', '/'), rule('default.test', '/', true)];
    expect(chooseRule(rules, { host: 'www.example.com', path: '/' })).toBeUndefined();
  });

  it('of none when there is no default domain', () => {
    expect(chooseRule([rule('www.example.com')], { host: 'other.test', path: '/' })).toBeUndefined();
  });
});

describe('for any rules', () => {
  const label = fc.constantFrom('a', 'b', 'www', 'shop');
  const name = fc.array(label, { minLength: 1, maxLength: 4 }).map(labels => labels.join('.'));
  const domain = fc.oneof(
    name,
    name.map(text => `*.${text}`),
    name.map(text => `${text}.*`),
  );
  const path = fc.array(label, { maxLength: 3 }).map(parts => `/${parts.join('/')}`);
  const url = fc.oneof(
    path,
    path.map(text => `=${text}`),
  );
  const rules = fc.array(fc.record({ domain, url, isDefaultDomain: fc.constant(false) }), { maxLength: 12 });
  const destination = fc.record({ host: name, path });

  it('the order of the rules does not matter', () => {
    fc.assert(
      fc.property(rules, destination, (given, to) => {
        const chosen = chooseRule(given, to);
        const { domain: there, url: at } = chooseRule(given.toReversed(), to) ?? {};
        expect({ domain: there, url: at }).toEqual({ domain: chosen?.domain, url: chosen?.url });
      }),
    );
  });

  it('the chosen one fits, and no other of its domain fits better', () => {
    fc.assert(
      fc.property(rules, destination, (given, to) => {
        const chosen = chooseRule(given, to);
        if (!chosen) return;
        const fixed = chosen.domain.replace('*', '');
        expect(to.host.includes(fixed)).toBe(true);
        const rivals = given.filter(other => other.domain === chosen.domain && other.url !== chosen.url);
        for (const { url: rival } of rivals) {
          if (rival === `=${to.path}`) expect.fail(`${rival} is exact`);
          if (to.path.startsWith(rival) && !chosen.url.startsWith('='))
            expect(rival.length).toBeLessThan(chosen.url.length);
        }
      }),
    );
  });

  it('a domain written in full is never passed by', () => {
    fc.assert(
      fc.property(rules, destination, (given, to) => {
        const chosen = chooseRule([...given, rule(to.host, '/')], to);
        expect(chosen?.domain).toBe(to.host);
      }),
    );
  });
});
