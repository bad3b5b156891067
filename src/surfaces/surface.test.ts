import { expect, it } from 'vitest';
import { HttpSettings } from './index.ts';
import { defineSurface, type SurfaceContext } from './surface.ts';

it('takes settings that were read before, with what is secret in them wrapped', async () => {
  const opened: HttpSettings[] = [];
  const surface = defineSurface({ name: 'x', config: HttpSettings, open: (settings) => Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve(void opened.push(settings)) }) });
  const written = HttpSettings.parse({ keys: [{ name: 'Panel', key: 'k'.repeat(32) }], origins: ['https://panel.example'] });
  await (await surface.open(written, {} as SurfaceContext))[Symbol.asyncDispose]();
  expect(opened.map(({ keys, origins }) => [keys.map(({ name, key }) => [name, key.reveal()]), origins])).toEqual([[[['Panel', 'k'.repeat(32)]], ['https://panel.example']]]);
});
