import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  decodeDealerFrame, encodeDealerMessage, encodeDealerPing, encodeDealerPong, encodeDealerReply, encodeDealerRequest, type DealerFrame, type DealerMessageInput,
} from './dealer-frame.ts';
import { WireError } from './wire-error.ts';

const uri = 'hm://connect-state/v1/connect/volume';

function message(frame: Record<string, unknown>): DealerFrame & { type: 'message' } {
  const decoded = decodeDealerFrame(JSON.stringify({ type: 'message', uri, ...frame }));
  if (decoded.type !== 'message') throw new Error(decoded.type);
  return decoded;
}

function request(frame: Record<string, unknown>): DealerFrame & { type: 'request' } {
  const decoded = decodeDealerFrame(JSON.stringify({ type: 'request', key: '7/cc', ...frame }));
  if (decoded.type !== 'request') throw new Error(decoded.type);
  return decoded;
}

describe('a message', () => {
  it('is read as in connect-control.md §1.3', () => {
    const frame = '{"type":"message","method":"PUT","uri":"hm://connect-state/v1/connect/volume","headers":{"Content-Type":"application/octet-stream"},"payloads":["CICAAg=="]}';
    const headers = new Map([['content-type', 'application/octet-stream']]);
    expect(decodeDealerFrame(frame)).toEqual({ type: 'message', uri, headers, payload: Buffer.from('08808002', 'hex'), json: null });
  });

  it.each<[string, Record<string, unknown>, string, unknown]>([
    ['base64', { payloads: ['aGVq'] }, 'hej', null],
    ['base64 without padding', { payloads: ['aGU'] }, 'he', null],
    ['text', { headers: { 'content-type': 'text/plain; charset=utf-8' }, payloads: ['aGVq'] }, 'aGVq', null],
    ['JSON as text', { headers: { 'CONTENT-TYPE': 'application/json' }, payloads: ['{"a":1}'] }, '{"a":1}', { a: 1 }],
    ['what claims to be JSON', { headers: { 'Content-Type': 'application/json' }, payloads: ['{'] }, '{', null],
    ['numbers', { payloads: [[104, 101, 106]] }, 'hej', null],
    ['an object', { payloads: [{ reason: 'NEW_SESSION' }] }, '{"reason":"NEW_SESSION"}', { reason: 'NEW_SESSION' }],
    ['nothing', {}, '', null],
    ['an empty list', { payloads: [] }, '', null],
    ['null', { payloads: null, headers: null }, '', null],
    ['several parts', { payloads: ['aGU=', [106]] }, 'hej', null],
    ['gzip', { headers: { 'transfer-ENCODING': 'gzip' }, payloads: [gzipSync('hej').toString('base64')] }, 'hej', null],
    ['gzip in several parts', { headers: { 'Transfer-Encoding': 'gzip' }, payloads: [[...gzipSync('hej').subarray(0, 9)], [...gzipSync('hej').subarray(9)]] }, 'hej', null],
  ])('may hold %s', (_, frame, payload, json) => {
    expect(message(frame).payload.toString()).toBe(payload);
    expect(message(frame).json).toEqual(json);
  });

  it.each<[string, Record<string, unknown>]>([
    ['no base64', { payloads: ['~~~~'] }],
    ['numbers beyond a byte', { payloads: [[256]] }],
    ['fractions', { payloads: [[1.5]] }],
    ['a boolean', { payloads: [true] }],
    ['another encoding', { headers: { 'Transfer-Encoding': 'br' }, payloads: ['aGVq'] }],
    ['broken gzip', { headers: { 'Transfer-Encoding': 'gzip' }, payloads: ['aGVq'] }],
    ['no uri', { uri: undefined }],
  ])('with %s is refused', (_, frame) => {
    expect(() => message(frame)).toThrow(WireError);
  });

  it('that unzips to more than any message has is refused', () => {
    const bomb = gzipSync(Buffer.alloc(17 * 1024 * 1024)).toString('base64');
    expect(() => message({ headers: { 'Transfer-Encoding': 'gzip' }, payloads: [bomb] })).toThrow(WireError);
  });

  it.each<[DealerMessageInput, string]>([
    [{ uri, payload: Buffer.from('08808002', 'hex') }, '08808002'],
    [{ uri, payload: Buffer.from('hej'), gzip: true, headers: { 'Content-Type': 'application/octet-stream' } }, '68656a'],
    [{ uri: 'hm://pusher/v1/connections/x', headers: { 'Spotify-Connection-Id': 'x==' } }, ''],
  ])('is written and read back (%#)', (input, payload) => {
    const decoded = decodeDealerFrame(encodeDealerMessage(input));
    expect(decoded).toMatchObject({ type: 'message', uri: input.uri });
    expect(decoded.type === 'message' && decoded.payload.toString('hex')).toBe(payload);
    for (const [name, value] of Object.entries(input.headers ?? {})) expect(decoded.type === 'message' && decoded.headers.get(name.toLowerCase())).toBe(value);
  });

  it('with a JSON value is written and read back', () => {
    expect(decodeDealerFrame(encodeDealerMessage({ uri, json: { reason: 'NEW_SESSION' } }))).toMatchObject({ json: { reason: 'NEW_SESSION' } });
  });
});

describe('a request', () => {
  const ident = 'hm://connect-state/v1/player/command';
  const plain = '{"message_id":7,"sent_by_device_id":"cccccccccccccccccccccccccccccccccccccccc","command":{"endpoint":"pause","logging_params":{"command_id":"00000000000000000000000000000000"}}}';

  it('is unzipped as in connect-control.md §12.3', () => {
    const compressed =
      'H4sIAAAAAAAC/42NwQqAIBAF/+WdPXQL/BnZdBEhV2ktCPHfI+pecxwGpiOzKkV2KcDOBsrS3HK6wEfyj4X/CQx8yZkkwHawhFqSNFhU2pVhsJYYk0RXaaOsd/T2z2f6AGOMC7XcYsKxAAAA';
    expect(request({ message_ident: ident, headers: { 'Transfer-Encoding': 'gzip' }, payload: { compressed } })).toEqual({
      type: 'request', ident, key: '7/cc', headers: new Map([['transfer-encoding', 'gzip']]), body: JSON.parse(plain), error: null,
    });
  });

  it.each([true, false])('is written and read back, zipped: %s', (gzip) => {
    const text = encodeDealerRequest({ ident, key: 'k', body: JSON.parse(plain), gzip });
    expect(decodeDealerFrame(text)).toMatchObject({ type: 'request', ident, key: 'k', body: JSON.parse(plain), error: null });
    expect(text.includes('gzip')).toBe(gzip);
  });

  it.each<[string, Record<string, unknown>]>([
    ['no payload', {}],
    ['an empty payload', { payload: {} }],
    ['a payload that is not base64', { payload: { compressed: '!' } }],
    ['a payload that is not JSON', { payload: { compressed: 'aGVq' } }],
    ['a payload of another encoding', { headers: { 'Transfer-Encoding': 'br' }, payload: { compressed: 'e30=' } }],
    ['a payload that cannot be unzipped', { headers: { 'Transfer-Encoding': 'gzip' }, payload: { compressed: 'e30=' } }],
  ])('with %s keeps its key, so that it can be answered', (_, frame) => {
    const decoded = request({ message_ident: ident, ...frame });
    expect(decoded).toMatchObject({ ident, key: '7/cc', body: null });
    expect(decoded.error).toBeInstanceOf(WireError);
  });

  it('without a key is refused', () => {
    expect(() => decodeDealerFrame('{"type":"request","message_ident":"a","payload":{"compressed":"e30="}}')).toThrow(WireError);
  });
});

describe('other frames', () => {
  it.each<[string, unknown]>([
    [encodeDealerReply('7/cc', true), { type: 'reply', key: '7/cc', success: true }],
    [encodeDealerReply('7/cc', false), { type: 'reply', key: '7/cc', success: false }],
    ['{"type":"reply","key":"a"}', { type: 'reply', key: 'a', success: false }],
    [encodeDealerPing(), { type: 'ping' }],
    [encodeDealerPong(), { type: 'pong' }],
    ['{"type":"news"}', { type: 'unknown', name: 'news' }],
    ['{}', { type: 'unknown', name: '' }],
  ])('%s', (text, frame) => {
    expect(decodeDealerFrame(text)).toEqual(frame);
    expect(decodeDealerFrame(Buffer.from(text))).toEqual(frame);
  });

  it('writes replies as in connect-control.md §1.3', () => {
    expect(JSON.parse(encodeDealerReply('7/cccc…', true))).toEqual({ type: 'reply', key: '7/cccc…', payload: { success: true } });
  });

  it.each(['', 'x', '[]', 'null', '"ping"', '{"type":"ping"', '5'])('refuses %j', (text) => {
    expect(() => decodeDealerFrame(text)).toThrow(WireError);
  });
});
