import { expect, test } from 'vitest';
import { builtInImages } from './built-in-images.ts';

test.each(['nginx', 'nginx:1.29', 'docker.io/library/nginx:latest', 'nginx@sha256:0123'])('%s is nginx', image => {
  expect(builtInImages()(image)?.name).toBe('nginx');
});

test('other images do not exist, unless named', () => {
  expect(builtInImages()('clb-direct:dev')).toBeUndefined();
  expect(builtInImages()('registry.example:5000/nginx')).toBeUndefined();
  expect(builtInImages({ 'clb-direct': '/main.ts' })('clb-direct:dev')).toEqual({
    name: 'clb-direct',
    file: '/main.ts',
  });
});
