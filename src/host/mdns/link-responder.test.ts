import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeClock, silentLog } from '#foundation';
import type { Link } from '../links.ts';
import { decodeDnsMessage, encodeDnsMessage, type DnsMessage } from './dns-message.ts';
import { LinkResponder } from './link-responder.ts';
import { LinkSocket } from './link-socket.ts';
import type { Service } from './service-records.ts';

const link: Link = { name: 'lo', index: 1, ipv4: ['127.0.0.1'], ipv6: [], entry: '127.0.0.1', hasIPv6: false, networks: ['127.0.0.1/8'], isLoopback: true, carrier: 0 };
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open() {
  const clock = new FakeClock();
  const mark = randomBytes(4).toString('hex');
  const service: Service = { label: 'Kitchen', type: mark, port: 4711, txt: { CPath: '/zc' } };
  const heard: DnsMessage[] = [];
  const listen = async (port: number) => {
    const socket = await LinkSocket.open({
      link,
      family: 4,
      port,
      onMessage(bytes) {
        const message = decodeDnsMessage(bytes);
        if (message?.isResponse && message.answers.some(({ name }) => name.includes(mark))) heard.push(message);
      },
      onError: () => undefined,
    });
    closing.push(() => socket[Symbol.dispose]());
    return socket;
  };
  const responder = await LinkResponder.open({ link, all: [link], host: `tonearm-${mark}.local`, clock, log: silentLog, random: () => 0, onMessage: ({ authorities }) => authorities.length === 0, onBroken: () => undefined });
  closing.push(() => responder[Symbol.asyncDispose]());
  const count = (expected: number) => vi.waitFor(() => expect(heard).toHaveLength(expected), { timeout: 5000 });
  const name = `Kitchen._${mark}._tcp.local`;
  return { clock, mark, name, service, heard, listen, responder, count };
}

describe('a responder on one link', () => {
  it('says it at once, after one second, after three, and then every minute', async () => {
    const { clock, listen, responder, service, count, heard } = await open();
    await listen(5353);
    responder.announce(service);
    await count(1);
    expect(heard[0]?.answers.map(({ type }) => type)).toEqual(['PTR', 'SRV', 'TXT', 'A']);
    for (const [by, expected] of [[999, 1], [1, 2], [1999, 2], [1, 3], [56_999, 3], [1, 4], [60_000, 5]] as const) {
      await clock.advance(by);
      await count(expected);
    }
    await responder[Symbol.asyncDispose]();
    expect(clock.pending).toBe(0);
  });

  it('answers strangers alone, for a short time', async () => {
    const { listen, responder, service, count, heard, mark } = await open();
    responder.announce(service);
    const socket = await listen(0);
    socket.send(encodeDnsMessage({ id: 77, isResponse: false, questions: [{ name: `_${mark}._tcp.local`, type: 'PTR', isUnicast: false }] }));
    await count(1);
    expect(heard[0]).toMatchObject({ id: 77, questions: [{ type: 'PTR' }] });
    expect([...(heard[0]?.answers ?? []), ...(heard[0]?.additionals ?? [])].every(({ ttl, flush }) => ttl <= 10 && !flush)).toBe(true);
  });

  it('lets an answer wait that was just given, for those who came since', async () => {
    const { clock, listen, responder, service, count, name } = await open();
    responder.announce(service);
    const socket = await listen(5353);
    await clock.advance(10);
    const ask = () => socket.send(encodeDnsMessage({ isResponse: false, questions: [{ name, type: 'SRV', isUnicast: false }] }));
    ask();
    ask();
    // Both questions, and the first repetition: one packet with the answer that waited, one announcement.
    await vi.waitFor(async () => {
      await clock.advance(0);
      expect(clock.pending).toBe(4); // the minute, two repetitions, one answer
    });
    await clock.advance(990);
    await count(1);
  });

  it('says farewell to what is withdrawn, and does not answer for it any more', async () => {
    const { listen, responder, service, count, heard, name } = await open();
    const socket = await listen(5353);
    responder.announce(service);
    await count(1);
    await responder.withdraw(service, { farewell: true });
    await count(2);
    expect(heard[1]?.answers.map(({ type, ttl }) => [type, ttl])).toEqual([['PTR', 0], ['SRV', 0], ['TXT', 0]]);
    socket.send(encodeDnsMessage({ isResponse: false, questions: [{ name, type: 'ANY', isUnicast: false }] }));
    responder.announce({ ...service, label: 'Other' });
    await count(3);
    expect(heard[2]?.answers.some((record) => record.name === name)).toBe(false);
  });
});
