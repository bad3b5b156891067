import { describe, expect, it } from 'vitest';
import { FakeClock, Scope, TonearmError } from '#foundation';
import { openEach, type Surface } from '#surfaces';
import { fakeHost, fakeZone, keptLog, playing } from './surface-fake-player.ts';

export interface SurfaceCase {
  readonly surface: Surface;
  /** Settings it can work with. */
  readonly good: () => Promise<object>;
  /** Settings whose far side is away; null for a surface that has none. */
  readonly away: (() => Promise<object>) | null;
  /** Settings the owner must mend. */
  readonly bad: readonly object[];
  /** Resolves when the surface has shown something of a zone. */
  readonly shown: (settings: object) => Promise<void>;
}

/** What every surface promises. */
export function surfaceContract({ surface, good, away, bad, shown }: SurfaceCase): void {
  const world = () => {
    const clock = new FakeClock();
    const log = keptLog();
    const zones = [fakeZone(clock, 'kitchen', playing(clock)), fakeZone(clock, 'bath')];
    return { clock, log, zones, context: { zones, host: fakeHost(clock, log), instance: '7f3a' } };
  };

  describe(`the surface ${surface.name}`, () => {
    it.each(bad)('refuses the settings %j with a sentence', async (settings) => {
      const error: unknown = await surface.open(settings, world().context).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(TonearmError);
      expect(error).toMatchObject({ kind: 'invalid' });
      expect((error as TonearmError).message).toMatch(/^[A-Z].{20,}/s);
    });

    it('opens, shows, and leaves nothing behind', async () => {
      const { clock, zones, context } = world();
      const settings = await good();
      const opened = await surface.open(settings, context);
      await shown(settings);
      zones[0]?.player.set({ status: 'paused' });
      await opened[Symbol.asyncDispose]();
      expect(zones.map(({ player }) => player.listeners)).toEqual([0, 0]);
      expect(clock.pending).toBe(0);
    });

    it('can be closed twice, and at once', async () => {
      const { clock, zones, context } = world();
      const opened = await surface.open(await good(), context);
      await Promise.all([opened[Symbol.asyncDispose](), opened[Symbol.asyncDispose]()]);
      await opened[Symbol.asyncDispose]();
      expect(zones.map(({ player }) => player.listeners)).toEqual([0, 0]);
      expect(clock.pending).toBe(0);
    });

    it('works without zones', async () => {
      const opened = await surface.open(await good(), { ...world().context, zones: [] });
      await opened[Symbol.asyncDispose]();
    });

    it.skipIf(!away)('opens although the far side is away, and never disturbs the music', async () => {
      const { clock, log, zones, context } = world();
      const opened = await surface.open((await away?.()) ?? {}, context);
      zones[0]?.player.set({ status: 'paused' });
      zones[0]?.player.fail(new TonearmError({ kind: 'internal', code: 'a/b', message: 'Something.' }));
      for (let turn = 0; turn < 30; turn++) await clock.advance(1000);
      await opened[Symbol.asyncDispose]();
      expect(clock.pending).toBe(0);
      expect(zones[0]?.player.state.status).toBe('paused');
      expect(log.lines.filter(({ level }) => level === 'error')).toEqual([]);
    });

    it('is opened only when it has settings', async () => {
      const scope = new Scope();
      await openEach([surface], {}, world().context, scope);
      await openEach([surface], { [surface.name]: await good() }, world().context, scope);
      await scope[Symbol.asyncDispose]();
    });
  });
}
