import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeDnsMessage, encodeDnsMessage, escapeLabel, sameName, type DnsRecord } from './dns-message.ts';

const name = 'Küche.\\.Bad._spotify-connect._tcp.local';
const host = 'tonearm-0badcafe.local';
const records: DnsRecord[] = [
  { name: '_spotify-connect._tcp.local', type: 'PTR', ttl: 4500, flush: false, data: name },
  { name, type: 'SRV', ttl: 120, flush: true, data: { port: 4711, target: host } },
  { name, type: 'TXT', ttl: 4500, flush: true, data: ['VERSION=1.0', 'CPath=/zc'] },
  { name: host, type: 'A', ttl: 120, flush: true, data: '192.0.2.1' },
  { name: host, type: 'AAAA', ttl: 120, flush: true, data: 'fd00:7::1' },
];

describe('DNS messages', () => {
  it('come back as they were', () => {
    const query = { id: 7, isResponse: false, questions: [{ name, type: 'ANY', isUnicast: true }, { name: host, type: 'A', isUnicast: false }], answers: [], authorities: records.slice(1, 2), additionals: [] };
    expect(decodeDnsMessage(encodeDnsMessage(query))).toEqual(query);
    const response = { id: 0, isResponse: true, questions: [], answers: records, authorities: [], additionals: records.slice(3) };
    expect(decodeDnsMessage(encodeDnsMessage(response))).toEqual(response);
  });

  it('have the bytes of RFC 1035', () => {
    const bytes = encodeDnsMessage({ isResponse: true, answers: records.slice(3, 4) });
    expect(bytes.toString('hex')).toBe(`00008400000000010000000010${Buffer.from('tonearm-0badcafe').toString('hex')}056c6f63616c0000018001000000780004c0000201`);
    // The second mention of a name is a pointer to the first.
    const two = encodeDnsMessage({ isResponse: true, answers: [...records.slice(3, 4), ...records.slice(3, 4)] });
    expect(two.length - bytes.length).toBe(2 + 10 + 4);
  });

  it('say which types a name has not', () => {
    const bytes = encodeDnsMessage({ isResponse: true, answers: [{ name: 'a.local', type: 'NSEC', ttl: 120, flush: true, data: ['A', 'AAAA'] }] });
    // Block 0, four bytes: bits 1 and 28.
    expect(bytes.subarray(-6).toString('hex')).toBe('000440000008');
  });

  it.each(['::', '::1', '1::', 'fe80::1%eth0', '2001:db8:0:1::5', '::ffff:192.0.2.1', '1:2:3:4:5:6:7:8'])('know the address %s', (data) => {
    const found = decodeDnsMessage(encodeDnsMessage({ isResponse: true, answers: [{ name: 'a', type: 'AAAA', ttl: 1, flush: false, data }] }));
    expect(found?.answers[0]?.data).toBe(new URL(`http://[${data.split('%')[0]}]`).hostname.slice(1, -1));
  });

  it('with rubbish in them are none', () => {
    const whole = encodeDnsMessage({ isResponse: true, answers: records });
    for (let end = 0; end < whole.length; end++) expect(decodeDnsMessage(whole.subarray(0, end))).toBeNull();
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void decodeDnsMessage(Buffer.from(bytes))));
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
        const broken = Buffer.from(whole);
        broken[at] = byte;
        decodeDnsMessage(broken);
      }),
    );
  });

  it('compare names as DNS does', () => {
    expect(sameName('Tonearm.LOCAL', 'tonearm.local')).toBe(true);
    expect(sameName('KÜCHE', 'küche')).toBe(false);
    expect(escapeLabel('a.b\\c')).toBe('a\\.b\\\\c');
  });
});
