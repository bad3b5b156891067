import { describe, expect, it } from 'vitest';
import type { DnsRecord } from './dns-message.ts';
import { addressRecords, answerTo, forLegacy, serviceRecords, type Place, type Service } from './service-records.ts';

const type = 'spotify-connect';
const kitchen: Service = { label: 'Kitchen', type, port: 1, txt: { VERSION: '1.0', CPath: '/zc' } };
const bath: Service = { ...kitchen, label: 'Bath', port: 2 };
const place: Place = { host: 'tonearm-1.local', ipv4: ['192.0.2.1'], ipv6: [] };
const ask = (name: string, kind: string, known: readonly DnsRecord[] = [], where = place) => answerTo({ questions: [{ name, type: kind, isUnicast: false }], answers: known }, [kitchen, bath], where);
const shown = (records: readonly DnsRecord[] | undefined) => records?.map(({ type: kind, name, data }) => `${kind} ${name.split('.')[0]} ${JSON.stringify(data)}`);

describe('what is said of services', () => {
  it('answers for the type with all of them, and everything a phone needs next', () => {
    const answer = ask('_spotify-connect._tcp.local', 'PTR');
    expect(shown(answer?.answers)).toEqual(['PTR _spotify-connect "Kitchen._spotify-connect._tcp.local"', 'PTR _spotify-connect "Bath._spotify-connect._tcp.local"']);
    expect(answer?.additionals.map(({ type: kind }) => kind)).toEqual(['SRV', 'TXT', 'A', 'NSEC', 'SRV', 'TXT']);
    expect(answer?.additionals.filter(({ type: kind }) => kind !== 'PTR').every(({ flush }) => flush)).toBe(true);
  });

  it.each<[string, string, string[] | undefined]>([
    ['_services._dns-sd._udp.local', 'PTR', ['PTR _services "_spotify-connect._tcp.local"']],
    ['kitchen._SPOTIFY-connect._tcp.local', 'SRV', ['SRV Kitchen {"port":1,"target":"tonearm-1.local"}']],
    ['Kitchen._spotify-connect._tcp.local', 'TXT', ['TXT Kitchen ["VERSION=1.0","CPath=/zc"]']],
    ['Kitchen._spotify-connect._tcp.local', 'ANY', ['SRV Kitchen {"port":1,"target":"tonearm-1.local"}', 'TXT Kitchen ["VERSION=1.0","CPath=/zc"]']],
    ['Kitchen._spotify-connect._tcp.local', 'A', ['NSEC Kitchen ["TXT","SRV"]']],
    ['tonearm-1.local', 'A', ['A tonearm-1 "192.0.2.1"']],
    ['tonearm-1.local', 'AAAA', ['NSEC tonearm-1 ["A"]']],
    ['tonearm-1.local', 'ANY', ['A tonearm-1 "192.0.2.1"']],
    ['Attic._spotify-connect._tcp.local', 'SRV', undefined],
    ['_http._tcp.local', 'PTR', undefined],
    ['vm.local', 'A', undefined],
    ['1.2.0.192.in-addr.arpa', 'PTR', undefined],
  ])('%s %s', (name, kind, expected) => {
    expect(shown(ask(name, kind)?.answers)).toEqual(expected);
  });

  it('does not repeat what the asker knows, unless that has become old', () => {
    const [pointer] = serviceRecords(kitchen, place.host);
    if (!pointer) throw new Error('There is none.');
    expect(shown(ask('_spotify-connect._tcp.local', 'PTR', [pointer])?.answers)).toEqual(['PTR _spotify-connect "Bath._spotify-connect._tcp.local"']);
    expect(ask('_spotify-connect._tcp.local', 'PTR', [{ ...pointer, ttl: 2249 }])?.answers).toHaveLength(2);
  });

  it('has the lifetimes of RFC 6762 §10, shorter ones for strangers', () => {
    const records = [...serviceRecords(kitchen, place.host), ...addressRecords({ ...place, ipv6: ['fd00::1'] })];
    expect(records.map(({ type: kind, ttl, flush }) => [kind, ttl, flush])).toEqual([['PTR', 4500, false], ['SRV', 120, true], ['TXT', 4500, true], ['A', 120, true], ['AAAA', 120, true]]);
    expect(forLegacy(records).every(({ ttl, flush }) => ttl === 10 && !flush)).toBe(true);
  });
});
