import { expect, it } from 'vitest';
import { Scope } from './lifecycle.ts';

/** Ends that wait for `finish`; what has begun, in order. */
function ends(scope: Scope, names: readonly string[]) {
  const begun: string[] = [];
  const finish = names.map((name) => {
    const over = { resolve: (): void => undefined, reject: (error: Error): unknown => error };
    const promise = new Promise<void>((resolve, reject) => Object.assign(over, { resolve, reject }));
    scope.defer(() => {
      begun.push(name);
      return promise;
    });
    return over;
  });
  return { begun, finish };
}

it('a scope ends what it owns in reverse order, one after the other, whatever fails', async () => {
  const scope = new Scope();
  const { begun, finish } = ends(scope, ['a', 'b']);
  const closing = scope[Symbol.asyncDispose]();
  await Promise.resolve();
  expect(begun).toEqual(['b']);
  finish[1]?.reject(new Error('b does not want to.'));
  finish[0]?.resolve();
  await expect(closing).rejects.toThrow('b does not want to.');
  expect(begun).toEqual(['b', 'a']);
});

it('a scope of things that do not need each other ends them side by side, and waits for all of them', async () => {
  const scope = new Scope({ isSideBySide: true });
  const { begun, finish } = ends(scope, ['a', 'b', 'c']);
  const closing = scope[Symbol.asyncDispose]();
  expect(begun).toEqual(['a', 'b', 'c']);
  let isOver = false;
  void closing.catch(() => undefined).finally(() => (isOver = true));
  finish[0]?.reject(new Error('a does not want to.'));
  finish[1]?.resolve();
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  finish[2]?.reject(new Error('Nor does c.'));
  await expect(closing).rejects.toThrow(AggregateError);
});
