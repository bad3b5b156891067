import { describe, expect, it } from 'vitest';
import { FakeClock, silentLog, TonearmError } from '#foundation';
import { decodeListCurrentStates, decodeResumeReport, encodeCurrentStates } from '#spotify/wire';
import type { HttpResponse } from './http-client.ts';
import { ResumePoints } from './resume-points.ts';
import type { SpclientRequest } from './spclient.ts';

const uri = 'spotify:episode:2RnhhsLPpUvzQ23I6FTEIx';
const quiet = () => new AbortController().signal;

function setup(answer: () => Partial<HttpResponse> | Error) {
  const sent: SpclientRequest[] = [];
  const points = new ResumePoints({
    clock: new FakeClock(1_700_000_000_000),
    log: silentLog,
    spclient: {
      async send(request, signal) {
        sent.push(request);
        signal.throwIfAborted();
        const given = answer();
        if (given instanceof Error) throw given;
        return { status: 200, headers: {}, body: Buffer.alloc(0), ...given };
      },
    },
  });
  const body = () => sent.at(-1)?.body as Uint8Array;
  return { points, sent, body };
}

describe('resume points', () => {
  it('gives the newest place of the episode that was asked for', async () => {
    const states = [{ uri, revisions: [{ position: 90_000, updated: 1000 }, { position: 45_000, updated: 9000 }] }, { uri: `${uri.slice(0, -1)}y`, revisions: [{ position: 7000, updated: 99_000 }] }];
    const { points, sent, body } = setup(() => ({ body: encodeCurrentStates(states) }));
    expect(await points.read(uri, quiet())).toBe(45_000);
    expect(decodeListCurrentStates(body())).toBe(uri);
    expect(sent[0]).toMatchObject({ method: 'POST', path: '/herodotus/spotify.resumption.v1.CurrentStateService/ListCurrentStates', policy: { pauses: [], time: 10_000 } });
  });

  it('keeps whole seconds, and that it is over', async () => {
    const { points, sent, body } = setup(() => ({}));
    await points.write(uri, 32_900, quiet());
    expect(decodeResumeReport(body())).toEqual({ uri, position: 32_000, now: 1_700_000_000_000 });
    await points.write(uri, 'finished', quiet());
    expect(decodeResumeReport(body())).toMatchObject({ uri, position: 'finished' });
    expect(sent[1]?.path).toBe('/herodotus/spotify.resumption.v1.ResumePointRevisionService/CreateResumePointRevision');
  });

  it.each<[string, () => Partial<HttpResponse> | Error]>([
    ['a refusal', () => ({ status: 403 })],
    ['a server in trouble', () => new TonearmError({ kind: 'unavailable', code: 'spotify/server-error', message: 'No.' })],
    ['nonsense', () => ({ body: Buffer.from([0xff, 0xff, 0xff]) })],
  ])('starts at 0 and goes on after %s', async (_, answer) => {
    const { points } = setup(answer);
    expect(await points.read(uri, quiet())).toBe(0);
    await points.write(uri, 5000, quiet());
  });

  it('gives way to an abort', async () => {
    const { points } = setup(() => ({}));
    await expect(points.read(uri, AbortSignal.abort(new Error('over')))).rejects.toThrow('over');
  });
});
