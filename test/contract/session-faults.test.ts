import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock, type TonearmError } from '#foundation';
import type { CloudOptions, FaultName } from '#simulator';
import type { Session } from '#spotify';
import { LoginFailureCode, Login5Error } from '#spotify/wire';
import { hello, patience, Table, until } from './session-fixture.ts';

let table: Table;

afterEach(async () => {
  await table[Symbol.asyncDispose]();
});

/** Two addresses, so that the second try need not wait. */
async function open(options: CloudOptions = {}): Promise<Table> {
  table = await Table.open({ ports: { accessPoint: [0, 0] }, ...options });
  return table;
}

async function failed(work: Promise<unknown>): Promise<TonearmError> {
  try {
    await work;
  } catch (error) {
    return error as TonearmError;
  }
  throw new Error('it worked');
}

/** What happened, what it means, what to do: whole sentences, no code names. */
function expectSentence(error: TonearmError | undefined): void {
  expect(error?.message).toMatch(/^[A-Z][^{}<>]{40,}\.$/);
}

async function playOne(session: Session): Promise<Buffer> {
  const { gid, file } = await session.metadata(table.uri('Plain'), patience());
  return session.audioKey(gid, file.id, patience());
}

describe('an access point that cannot be trusted', () => {
  it.each<[FaultName, string]>([
    ['access-point/wrong-signature', 'spotify/server-not-genuine'],
    ['access-point/wrong-key', 'spotify/server-not-genuine'],
    ['access-point/rc4', 'spotify/weak-handshake'],
    ['access-point/hashcash', 'spotify/weak-handshake'],
    ['access-point/fingerprint', 'spotify/weak-handshake'],
    ['access-point/public-key-out-of-range', 'spotify/access-point-garbled'],
    ['access-point/flip-mac', 'spotify/handshake-altered'],
    ['access-point/flip-ciphertext', 'spotify/handshake-altered'],
  ])('%s: is left for another one, and the login is not told to it', async (fault, code) => {
    await open();
    table.cloud.faults.set(fault as 'access-point/rc4', { count: 1 });
    const session = await table.session();
    expect(table.troubles.map((error) => error.code)).toEqual([code]);
    expectSentence(table.troubles[0]);
    const beforeLogin = !fault.includes('flip');
    expect(table.account.logins).toHaveLength(beforeLogin ? 1 : 2);
    expect(await playOne(session)).toHaveLength(16);
    expect(table.cloud.refusals).toEqual([]);
  });

  it.each<[string, (cloud: Table['cloud']) => void, string]>([
    ['a frame that claims 4 GB', ({ faults }) => faults.set('access-point/frame-length', { length: 0xffff_ffff, count: 1 }), 'spotify/access-point-garbled'],
    ['a frame that claims nothing', ({ faults }) => faults.set('access-point/frame-length', { length: 3, count: 1 }), 'spotify/access-point-garbled'],
    ['a dead address', ({ faults }) => faults.set('access-point/unreachable', { count: 1 }), 'spotify/access-point-unreachable'],
    ['a close after the hello', ({ faults }) => faults.set('access-point/close', { after: 'hello', count: 1 }), 'spotify/access-point-unreachable'],
    ['a close after the challenge', ({ faults }) => faults.set('access-point/close', { after: 'challenge', count: 1 }), 'spotify/access-point-unreachable'],
    ['a refusal of the hello', ({ faults }) => faults.set('access-point/refuse-before', { code: LoginFailureCode.TryAnotherAP, count: 1 }), 'spotify/try-another'],
    ['a refusal in the clear', ({ faults }) => faults.set('access-point/refuse-after', { code: LoginFailureCode.CouldNotValidateCredentials, description: 'x'.repeat(99), count: 1 }), 'spotify/cannot-check-login'],
  ])('%s: another one is tried', async (_name, spoil, code) => {
    await open();
    spoil(table.cloud);
    const session = await table.session();
    expect(table.troubles[0]?.code).toBe(code);
    expectSentence(table.troubles[0]);
    expect(session.username).toBe('listener');
  });

  it.each<FaultName>(['access-point/one-byte', 'access-point/coalesce', 'access-point/short-public-key'])('%s is no trouble', async (fault) => {
    await open();
    table.cloud.faults.set(fault as 'access-point/coalesce');
    const session = await table.session();
    expect(await playOne(session)).toHaveLength(16);
    expect(table.troubles).toEqual([]);
  });

  it.each<[FaultName, string]>([
    ['access-point/flip-mac', 'spotify/packet-altered'],
    ['access-point/flip-ciphertext', 'spotify/packet-altered'],
    ['access-point/drop', 'spotify/access-point-closed'],
  ])('%s later on: it is connected again, requests under way are answered after all', async (fault, code) => {
    await open();
    const session = await table.session();
    const { gid, file } = await session.metadata(table.uri('Plain'), patience());
    table.cloud.faults.set(fault as 'access-point/drop', { count: 1 });
    expect(await session.audioKey(gid, file.id, patience())).toHaveLength(16);
    expect(table.troubles.map((error) => error.code)).toEqual([code]);
    expectSentence(table.troubles[0]);
    expect(table.account.logins).toHaveLength(2);
    expect(table.cloud.dealer.connections).toHaveLength(1);
  });

  it.each<FaultName>(['access-point/repeat-packet', 'access-point/skip-nonce', 'access-point/oversize'])('%s later on: found out within seconds', async (fault) => {
    const clock = new FakeClock(Date.now());
    table = await Table.open({ clock, ports: { accessPoint: [0, 0] } }, clock);
    const opening = table.session();
    const session = await passing(clock, opening);
    const { gid, file } = await session.metadata(table.uri('Plain'), patience());
    table.cloud.faults.set(fault as 'access-point/oversize', { count: 1 });
    const key = session.audioKey(gid, file.id, patience());
    key.catch(() => undefined);
    // A repeated packet may itself answer the question; the damage shows in what follows it.
    await passing(clock, until(() => table.troubles.length > 0, 30_000));
    expect(['spotify/packet-altered', 'spotify/access-point-garbled']).toContain(table.troubles[0]?.code);
    expectSentence(table.troubles[0]);
    expect(await passing(clock, key)).toHaveLength(16);
  });
});

/** Lets the clock go on, slowly enough for real sockets to keep up, until `work` is settled. */
async function passing<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  let isSettled = false;
  const done = () => (isSettled = true);
  work.then(done, done);
  const settled = () => isSettled;
  while (!settled()) {
    for (let turn = 0; turn < 20 && !settled(); turn++) await new Promise((resolve) => setImmediate(resolve));
    if (!settled()) await clock.advance(50);
  }
  return work;
}

describe('an account that may not play', () => {
  it('without premium is refused with a sentence, and never registers', async () => {
    await open({ users: [{ name: 'listener', product: 'free' }] });
    const error = await failed(table.session());
    expect(error).toMatchObject({ kind: 'forbidden', code: 'spotify/not-premium' });
    expectSentence(error);
    await until(() => table.cloud.dealer.connections.length === 0);
    expect(table.count('connect-state/put')).toBe(0);
    expect(table.account.logins).toHaveLength(1);
  });

  it('that loses premium ends the session', async () => {
    await open();
    const session = await table.session();
    const ended = session.events.once('ended', { signal: patience() });
    table.account.attributes.set('type', 'free');
    for (const accessPoint of table.cloud.accessPoint.sessions) accessPoint.pushAccount();
    expect((await ended).error).toMatchObject({ code: 'spotify/not-premium' });
    await expect(session.resolveContext('spotify:album:0000000000000000000001', patience())).rejects.toMatchObject({ code: 'spotify/not-premium' });
    await until(() => table.cloud.dealer.connections.length === 0);
    expect(table.account.logins).toHaveLength(1);
  });

  it.each([
    [LoginFailureCode.PremiumAccountRequired, 'spotify/not-premium', 1],
    [LoginFailureCode.TravelRestriction, 'spotify/travel-restriction', 1],
    [LoginFailureCode.BadCredentials, 'spotify/credentials-refused', 2],
    [LoginFailureCode.ExtraVerificationRequired, 'spotify/verification-required', 1],
  ])('refused with code %s is not tried again in a storm', async (code, expected, logins) => {
    await open();
    table.cloud.faults.set('access-point/login-failure', { code });
    const error = await failed(table.session());
    expect(error.code).toBe(expected);
    expectSentence(error);
    expect(table.cloud.journal.find('fault access-point/login-failure')).toHaveLength(logins);
  });

  it('whose credentials were withdrawn is told to pair again', async () => {
    await open();
    const session = await table.session();
    const { credentials } = session;
    await session[Symbol.asyncDispose]();
    table.cloud.accounts.revoke(table.account);
    const error = await failed(table.session({ credentials }));
    expect(error).toMatchObject({ kind: 'unauthorized', code: 'spotify/credentials-refused', message: expect.stringContaining('Pair again') });
  });
});

describe('audio keys', () => {
  it('refused with 1 is said once and not asked again', async () => {
    await open();
    table.cloud.faults.set('access-point/key-refuse');
    const session = await table.session();
    const error = await failed(playOne(session));
    expect(error).toMatchObject({ kind: 'forbidden', code: 'spotify/key-refused' });
    expectSentence(error);
    expect(table.cloud.journal.find('key request')).toHaveLength(1);
  });

  it('refused with 2 make a pause in which nothing is asked', async () => {
    await open();
    table.cloud.faults.set('access-point/key-refuse', { bytes: 2, count: 1 });
    const session = await table.session();
    const error = await failed(playOne(session));
    expect(error).toMatchObject({ kind: 'unavailable', code: 'spotify/key-throttled', retryAfter: 30_000 });
    expectSentence(error);
    for (let n = 0; n < 5; n++) expect((await failed(playOne(session))).code).toBe('spotify/key-throttled');
    expect(table.cloud.journal.find('key request')).toHaveLength(1);
  });

  it('malformed fail with a sentence', async () => {
    await open();
    table.cloud.faults.set('access-point/key-short', { count: 1 });
    const session = await table.session();
    const error = await failed(playOne(session));
    expect(error).toMatchObject({ kind: 'corrupt', code: 'spotify/key-malformed' });
    expectSentence(error);
    expect(await playOne(session)).toHaveLength(16);
  });

  it('out of order find their owners', async () => {
    await open();
    const session = await table.session();
    const items = await Promise.all(['Plain', 'Second'].map((title) => session.metadata(table.uri(title), patience())));
    table.cloud.faults.set('access-point/key-reorder', { count: 1 });
    const keys = await Promise.all(items.map(({ gid, file }) => session.audioKey(gid, file.id, patience())));
    expect(keys).toEqual(['Plain', 'Second'].map((title) => table.cloud.catalogue.get(title).files[0]?.key));
  });

  it('silently lost are asked for once more', async () => {
    const clock = new FakeClock(Date.now());
    table = await Table.open({ clock }, clock);
    const session = await passing(clock, table.session());
    table.cloud.faults.set('access-point/key-silence', { count: 1 });
    expect(await passing(clock, playOne(session))).toHaveLength(16);
    expect(table.cloud.journal.find('key request')).toHaveLength(2);
  });
});

describe('tokens', () => {
  it('that expired cost one refused request and one renewal, however many requests there are', async () => {
    await open();
    const session = await table.session();
    await session.ready(patience());
    table.cloud.counters.mark();
    table.cloud.accounts.expireAccessTokens();
    await Promise.all(['Plain', 'Second', 'Talk'].map((title) => session.metadata(table.uri(title), patience())));
    expect(table.cloud.counters.view.requests.login5).toBe(1);
    expect(table.troubles).toEqual([]);
  });

  it('that stay refused end in an error, not in a loop', async () => {
    await open();
    const session = await table.session();
    table.cloud.faults.fail('metadata/extended', 401);
    table.cloud.counters.mark();
    const error = await failed(session.metadata(table.uri('Plain'), patience()));
    expect(error).toMatchObject({ kind: 'unavailable', code: 'spotify/token-refused' });
    expectSentence(error);
    expect(table.count('metadata/extended')).toBe(3);
    expect(table.count('login5/login')).toBe(1);
  });

  it('of the program are renewed too when they are refused', async () => {
    await open();
    const session = await table.session();
    table.cloud.accounts.expireClientTokens();
    expect((await session.metadata(table.uri('Plain'), patience())).title).toBe('Plain');
    expect(table.cloud.refusals).toEqual([]);
    const { credentials } = session;
    await session[Symbol.asyncDispose]();
    table.cloud.accounts.expireClientTokens();
    const again = await table.session({ credentials });
    expect((await again.metadata(table.uri('Plain'), patience())).title).toBe('Plain');
  });

  it('are renewed before they end', async () => {
    const clock = new FakeClock(Date.now());
    table = await Table.open({ clock }, clock);
    const session = await passing(clock, table.session());
    table.cloud.counters.mark();
    await clock.advance(3_541_000);
    await passing(clock, until(() => table.count('login5/login') === 1));
    expect((await session.metadata(table.uri('Plain'), patience())).title).toBe('Plain');
  });

  it('need puzzles solved now and then', async () => {
    await open();
    table.cloud.faults.set('client-token/challenge', { length: 9, count: 1 });
    table.cloud.faults.set('login5/challenge', { length: 11, count: 2 });
    const session = await table.session();
    expect(session.username).toBe('listener');
    expect(table.count('client-token/token')).toBe(2);
    expect(table.count('login5/login')).toBe(3);
    expect(table.cloud.refusals).toEqual([]);
  });

  it.each<[string, (cloud: Table['cloud']) => void, string]>([
    ['login5 with 500', ({ faults }) => faults.fail('login5/login', 500, { count: 1 }), 'spotify/login-failed'],
    ['login5 without an answer', ({ faults }) => faults.set('login5/no-member', { count: 1 }), 'wire/bad-login5'],
    ['login5 with an unknown error', ({ faults }) => faults.set('login5/error', { code: Login5Error.UNKNOWN_ERROR, count: 1 }), 'spotify/login-failed'],
    ['the client token with 503', ({ faults }) => faults.fail('client-token/token', 503, { count: 1 }), 'spotify/client-token-failed'],
    ['the directory with 502', ({ faults }) => faults.fail('directory/resolve', 502, { count: 1 }), 'spotify/directory-broken'],
    ['the directory with nonsense', ({ faults }) => faults.set('directory/bad-json', { count: 1 }), 'spotify/directory-broken'],
  ])('%s is tried again after a moment', async (_name, spoil, code) => {
    await open();
    spoil(table.cloud);
    await table.session();
    expect(table.troubles.map((error) => error.code)).toContain(code);
    for (const error of table.troubles) expect(error.message).toMatch(/^[A-Z].{20,}\.$/);
  });

  it('that nobody will ever give end the session with a sentence', async () => {
    await open();
    table.cloud.faults.set('login5/error', { code: Login5Error.INVALID_CREDENTIALS });
    const error = await failed(table.session());
    expect(error).toMatchObject({ kind: 'unauthorized', code: 'spotify/credentials-refused' });
    expect(table.count('login5/login')).toBe(1);
    await table[Symbol.asyncDispose]();
    await open();
    table.cloud.faults.set('login5/code-challenge');
    expect(await failed(table.session())).toMatchObject({ code: 'spotify/verification-required' });
  });
});

describe('the dealer', () => {
  it('is connected again with a new connection id', async () => {
    await open();
    const session = await table.session();
    await session.ready(patience());
    const before = session.connectionId;
    const again = session.events.once('connected', { signal: patience() });
    table.cloud.dealer.cut();
    const { connectionId } = await again;
    expect(connectionId).not.toBe(before);
    expect(session.connectionId).toBe(connectionId);
    await session.putState(hello(session), patience());
    expect(table.account.logins).toHaveLength(1);
    expect(table.cloud.refusals).toEqual([]);
  });

  it.each([400, 404, 429, 500, 503])('that answers %s is tried again', async (status) => {
    await open();
    table.cloud.faults.set('dealer/refuse', { status, count: 1 });
    const session = await table.session();
    await session.ready(patience());
    expect(session.connectionId).not.toBeNull();
  });

  it('that refuses a token gets a new one, once and at once', async () => {
    await open();
    table.cloud.faults.set('dealer/refuse', { status: 401, count: 1 });
    const session = await table.session();
    await session.ready(patience());
    expect(table.count('login5/login')).toBe(2);
  });

  it('that says 403 ends the session', async () => {
    await open();
    table.cloud.faults.set('dealer/refuse', { status: 403 });
    const ended = new Promise<TonearmError>((resolve) => {
      void table.session().then(
        (session) => session.events.on('ended', ({ error }) => resolve(error)),
        (error: unknown) => resolve(error as TonearmError),
      );
    });
    const error = await ended;
    expect(error.code).toBe('spotify/dealer-forbidden');
    expectSentence(error);
  });

  it.each<FaultName>(['dealer/bad-json', 'dealer/binary', 'dealer/duplicate'])('survives %s', async (fault) => {
    await open();
    const session = await table.session();
    await session.ready(patience());
    await session.putState(hello(session), patience());
    const before = session.connectionId;
    table.cloud.faults.set(fault as 'dealer/binary', { count: 1 });
    const heard = session.events.once('message', { signal: patience(), test: ({ uri }) => uri.startsWith('hm://connect-state/v1/cluster') });
    await session.putState(hello(session), patience());
    await session.putState(hello(session), patience());
    await heard;
    expect(session.connectionId).toBe(before);
  });
});

describe('connect-state', () => {
  it('with an unknown connection says so, and is connected anew', async () => {
    const clock = new FakeClock(Date.now());
    table = await Table.open({ clock }, clock);
    const session = await passing(clock, table.session());
    await passing(clock, session.ready(patience()));
    const before = session.connectionId;
    table.cloud.faults.set('connect-state/unknown-connection', { count: 1 });
    expect(await failed(session.putState(hello(session), patience()))).toMatchObject({ kind: 'conflict', code: 'spotify/stale-connection' });
    const again = session.events.once('connected', { signal: patience(30_000) });
    await passing(clock, again);
    expect(session.connectionId).not.toBe(before);
  });

  it.each([
    [403, 'forbidden', 'spotify/not-allowed', 1],
    [409, 'conflict', 'spotify/state-dropped', 1],
    [413, 'invalid', 'spotify/state-too-large', 1],
    [422, 'conflict', 'spotify/state-dropped', 1],
  ])('answering %s', async (status, kind, code, tries) => {
    await open();
    const session = await table.session();
    await session.ready(patience());
    table.cloud.faults.fail('connect-state/put', status);
    const error = await failed(session.putState(hello(session), patience()));
    expect(error).toMatchObject({ kind, code });
    expectSentence(error);
    expect(table.count('connect-state/put')).toBe(tries);
  });

  it('that limits us says for how long, and is not asked again', async () => {
    await open();
    const session = await table.session();
    await session.ready(patience());
    table.cloud.faults.set('connect-state/rate-limit', { retryAfter: 7 });
    expect(await failed(session.putState(hello(session), patience()))).toMatchObject({ code: 'spotify/rate-limited', retryAfter: 7000 });
    expect(table.count('connect-state/put')).toBe(1);
  });

  it('in trouble that lasts is tried three times each, later once each, until it answers again', async () => {
    const clock = new FakeClock(Date.now());
    table = await Table.open({ clock }, clock);
    const session = await passing(clock, table.session());
    await passing(clock, session.ready(patience()));
    const put = () => passing(clock, failed(session.putState(hello(session), patience())));
    const counts: number[] = [];
    for (let time = 0; time < 2; time++) {
      const fault = table.cloud.faults.fail('connect-state/put', 503);
      for (let n = 0; n < 5; n++) {
        const before = table.count('connect-state/put');
        expect(await put()).toMatchObject({ code: 'spotify/server-error' });
        counts.push(table.count('connect-state/put') - before);
      }
      fault[Symbol.dispose]();
      await passing(clock, session.putState(hello(session), patience()));
    }
    expect(counts).toEqual([3, 3, 3, 1, 1, 3, 3, 3, 1, 1]);
  });

  it('in trouble is tried three times, and giving up playback ignores everything', async () => {
    await open();
    const session = await table.session();
    await session.ready(patience());
    table.cloud.faults.fail('connect-state/put', 502, { count: 2 });
    await session.putState(hello(session), patience());
    expect(table.count('connect-state/put')).toBe(3);
    table.cloud.faults.set('connect-state/inactive-422');
    await session.putInactive(patience());
    table.cloud.faults.fail('connect-state/inactive', 500);
    await session.putInactive(patience());
    table.cloud.faults.hang('connect-state/delete');
    await session.removeDevice(patience());
  });
});

describe('contexts, metadata and storage', () => {
  it('that are not ready yet are asked for three times', async () => {
    await open();
    const session = await table.session();
    const album = table.cloud.catalogue.get('Plain').album.uri;
    table.cloud.faults.set('context/loading', { count: 2 });
    expect((await session.resolveContext(album, patience())).uri).toBe(album);
    expect(table.count('context/resolve')).toBe(3);
    table.cloud.faults.set('context/loading');
    const error = await failed(session.resolveContext(album, patience()));
    expect(error).toMatchObject({ kind: 'unavailable', code: 'spotify/context-loading' });
    expectSentence(error);
  });

  it.each([
    [400, 'not-found', 'spotify/context-unresolvable'],
    [403, 'forbidden', 'spotify/not-allowed'],
    [404, 'not-found', 'spotify/not-found'],
  ])('answering %s fail at once', async (status, kind, code) => {
    await open();
    const session = await table.session();
    table.cloud.faults.fail('context/resolve', status);
    const error = await failed(session.resolveContext('spotify:album:0000000000000000000001', patience()));
    expect(error).toMatchObject({ kind, code });
    expectSentence(error);
    expect(table.count('context/resolve')).toBe(1);
  });

  it('that are nonsense or cut are told apart', async () => {
    await open();
    const session = await table.session();
    const album = table.cloud.catalogue.get('Plain').album.uri;
    table.cloud.faults.fail('context/resolve', 200, { body: '<html>', count: 1 });
    expect(await failed(session.resolveContext(album, patience()))).toMatchObject({ kind: 'corrupt', code: 'spotify/bad-answer' });
    table.cloud.faults.endpoint('context/resolve', { kind: 'truncate', bytes: 20, count: 1 });
    expect((await session.resolveContext(album, patience())).uri).toBe(album);
    table.cloud.faults.fail('metadata/extended', 200, { body: 'x', count: 1 });
    expect(await failed(session.metadata(table.uri('Plain'), patience()))).toMatchObject({ kind: 'unavailable', code: 'spotify/bad-answer' });
    table.cloud.faults.set('metadata/entry-status', { status: 404, count: 1 });
    expect(await failed(session.metadata(table.uri('Plain'), patience()))).toMatchObject({ kind: 'not-found', code: 'spotify/not-found' });
  });

  it('survive a cut connection and a throttle', async () => {
    await open();
    const session = await table.session();
    table.cloud.faults.drop('metadata/extended', 'before', { count: 1 });
    table.cloud.faults.drop('metadata/extended', 'after', { count: 1 });
    expect((await session.metadata(table.uri('Plain'), patience())).title).toBe('Plain');
    table.cloud.faults.fail('metadata/extended', 429, { headers: { 'Retry-After': '1' }, count: 1 });
    expect((await session.metadata(table.uri('Plain'), patience())).title).toBe('Plain');
    table.cloud.faults.fail('metadata/extended', 429, { headers: { 'Retry-After': '300' } });
    expect(await failed(session.metadata(table.uri('Plain'), patience()))).toMatchObject({ code: 'spotify/rate-limited', retryAfter: 300_000 });
  });

  it.each<[FaultName, string, string]>([
    ['storage/restricted', 'forbidden', 'spotify/restricted'],
    ['storage/empty', 'unavailable', 'spotify/not-stored'],
    ['storage/old-result', 'unavailable', 'spotify/not-stored'],
  ])('%s', async (fault, kind, code) => {
    await open();
    const session = await table.session();
    const { file } = await session.metadata(table.uri('Plain'), patience());
    table.cloud.faults.set(fault as 'storage/empty');
    const error = await failed(session.storage(file.id, file.format, patience()));
    expect(error).toMatchObject({ kind, code });
    expectSentence(error);
  });

  it('passes over addresses that have expired', async () => {
    await open();
    const session = await table.session();
    const { file } = await session.metadata(table.uri('Plain'), patience());
    const all = await session.storage(file.id, file.format, patience());
    table.cloud.faults.set('storage/expired', { count: 1 });
    const fresh = await session.storage(file.id, file.format, patience());
    expect(fresh.urls.length).toBeLessThanOrEqual(all.urls.length);
    expect(fresh.expires).toBeGreaterThan(session.now());
  });
});

describe('everything away', () => {
  it('is waited out without a storm, and nothing crashes', async () => {
    const clock = new FakeClock(Date.now());
    table = await Table.open({ clock, pingPeriod: 60_000 }, clock);
    const session = await passing(clock, table.session());
    await passing(clock, session.ready(patience()));
    await passing(clock, session.putState(hello(session), patience()));
    table.cloud.journal.clear();
    table.cloud.counters.mark();
    table.cloud.cut(600_000);
    await until(() => session.connectionId === null);
    for (let n = 0; n < 600; n++) {
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(1000);
    }
    const { connections } = table.cloud.counters.view;
    expect(connections.dealer ?? 0).toBeLessThan(45);
    expect(table.troubles.length).toBeLessThan(90);
    await passing(clock, session.ready(patience(30_000)));
    await passing(clock, until(() => session.country !== null));
    expect((await passing(clock, session.metadata(table.uri('Plain'), patience(30_000)))).title).toBe('Plain');
    expect(await passing(clock, playOne(session))).toHaveLength(16);
  });

  it('at the start is waited for, and can be given up', async () => {
    await open();
    table.cloud.cut(60_000);
    const abort = new AbortController();
    const opening = table.session({ signal: abort.signal });
    await until(() => table.troubles.length >= 2);
    abort.abort(new Error('enough'));
    await expect(opening).rejects.toThrow('enough');
  });
});
