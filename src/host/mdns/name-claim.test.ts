import { describe, expect, it } from 'vitest';
import type { DnsMessage, DnsRecord } from './dns-message.ts';
import { NameClaim } from './name-claim.ts';

const own = { host: 'tonearm-bbbbbbbb.local', port: 2000 };
const name = 'Kitchen._spotify-connect._tcp.local';
const claimOf = (target: string, port = 3000, ttl = 120): DnsRecord => ({ name, type: 'SRV', ttl, flush: true, data: { port, target } });
const pointer: DnsRecord = { name: '_spotify-connect._tcp.local', type: 'PTR', ttl: 4500, flush: false, data: name };
const message = (isResponse: boolean, more: Partial<DnsMessage>): DnsMessage => ({ id: 0, isResponse, questions: [], answers: [], authorities: [], additionals: [], ...more });
const answer = (...answers: DnsRecord[]) => message(true, { answers });
const probe = (...authorities: DnsRecord[]) => message(false, { authorities });

const lower = 'a.local';
const higher = 'z.local';

function open() {
  let time = 1000;
  const claim = new NameClaim({ name: 'Kitchen', type: 'spotify-connect', instance: 'bbbbbbbb', now: () => time });
  return { claim, pass: (by: number) => (time += by), judge: (one: DnsMessage) => claim.judge(one, own) };
}

describe('whose name it is', () => {
  it.each<[string, DnsMessage, string]>([
    ['nothing about the name', answer(pointer), 'answer'],
    ['our own voice', answer(pointer, claimOf(own.host, own.port)), 'quiet'],
    ['our own question', probe(claimOf(own.host, own.port)), 'quiet'],
    ['an answer of somebody who has it', answer(claimOf(higher)), 'yield'],
    ['the same, whatever the host is called', answer(claimOf(lower)), 'yield'],
    ['another of our own machine, on another port', answer(claimOf(own.host, 2001)), 'yield'],
    ['an announcement of a higher newcomer', answer(pointer, claimOf(higher)), 'yield'],
    ['an announcement of a lower newcomer', answer(pointer, claimOf(lower)), 'quiet'],
    ['a question of a higher newcomer', probe(claimOf(higher)), 'yield'],
    ['a question of a lower newcomer', probe(claimOf(lower)), 'answer'],
    ['a farewell', answer(claimOf(higher, 3000, 0)), 'answer'],
  ])('to a newcomer: %s', (_what, heard, expected) => {
    expect(open().judge(heard)).toBe(expected);
  });

  it.each<[string, DnsMessage, string]>([
    ['a question of a newcomer', probe(claimOf(higher)), 'answer'],
    ['an announcement of a newcomer', answer(pointer, claimOf(higher)), 'defend'],
    ['our own voice', answer(claimOf(own.host, own.port)), 'quiet'],
  ])('to one that has been there: %s', (_what, heard, expected) => {
    const { judge, pass } = open();
    pass(1501);
    expect(judge(heard)).toBe(expected);
  });

  it('of two that both have had it long the lower host gives way, and the other when nothing helps', () => {
    for (const [rival, after, expected] of [[higher, 4999, 'defend'], [higher, 5000, 'yield'], [lower, 29_999, 'defend'], [lower, 30_000, 'yield'], [higher, 130_000, 'defend']] as const) {
      const { judge, pass } = open();
      pass(2000);
      expect(judge(answer(claimOf(rival)))).toBe('defend');
      pass(after);
      expect([rival, after, judge(answer(claimOf(rival)))]).toEqual([rival, after, expected]);
    }
  });

  it('takes longer names, one after the other', () => {
    const { claim } = open();
    const labels = [claim.label];
    for (let tries = 0; tries < 4; tries++) {
      claim.next();
      labels.push(claim.label);
    }
    expect(labels).toEqual(['Kitchen', 'Kitchen (bbbb)', 'Kitchen (bbbbbbbb)', 'Kitchen (bbbbbbbb 2)', 'Kitchen (bbbbbbbb 3)']);
  });
});
