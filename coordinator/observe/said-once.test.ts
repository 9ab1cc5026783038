import { expect, test } from 'vitest';
import { SaidOnce } from './said-once.ts';

test('what is said again of a subject is no news, and something else of it is', () => {
  const said = new SaidOnce();
  const news = [said.isNews('a', 'x'), said.isNews('a', 'x'), said.isNews('b', 'x'), said.isNews('a', 'y')];
  expect(news).toEqual([true, false, true, true]);
});

test('of a subject that was forgotten everything is news', () => {
  const said = new SaidOnce();
  said.isNews('a', 'x');
  said.forget('a');
  expect(said.isNews('a', 'x')).toBe(true);
});

test('no more than 50,000 subjects are remembered, the latest ones', () => {
  const said = new SaidOnce();
  for (let index = 0; index <= 50_000; index += 1) said.isNews(String(index), 'x');
  expect([said.isNews('50000', 'x'), said.isNews('0', 'x')]).toEqual([false, true]);
});
