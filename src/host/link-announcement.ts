import { Bonjour, type Service } from 'bonjour-service';
import type { Announcement } from '#core';
import type { Log } from '#foundation';
import type { Link } from './links.ts';

export interface LinkAnnouncement {
  /** `farewell`: tell everybody that the service is gone. */
  close(options: { readonly farewell: boolean }): Promise<void>;
}

export interface LinkAnnouncementOptions {
  readonly announcement: Announcement;
  readonly link: Link;
  /** Our own host name in small letters, never the machine's: that one belongs to its own responder. */
  readonly host: string;
  readonly log: Log;
  /** Whether we came so recently that a name already taken is for us to give up. */
  readonly isNewcomer: () => boolean;
  /** Somebody else has our service name; given the other's host name. */
  readonly onRival: (host: string) => void;
}

interface DnsRecord {
  readonly name: string;
  readonly type: string;
  readonly ttl?: number;
  readonly data?: unknown;
  readonly flush?: boolean;
}

interface DnsResponse {
  readonly answers: readonly DnsRecord[];
  readonly additionals?: readonly DnsRecord[];
}

/** The parts of bonjour-service that it keeps to itself. Needed to say only this link's addresses, and to hear rivals and errors. */
interface Inside {
  readonly server: {
    register(records: readonly DnsRecord[]): void;
    readonly mdns: {
      respond(response: readonly DnsRecord[] | DnsResponse, done?: (error?: Error | null) => void): void;
      query(query: { readonly questions: readonly { readonly name: string; readonly type: string }[]; readonly answers: readonly DnsRecord[] }): void;
      prependListener(name: 'query', listener: (query: DnsResponse) => void): void;
      on(name: 'error' | 'warning', listener: (error: Error) => void): void;
      on(name: 'response', listener: (response: DnsResponse) => void): void;
    };
  };
}

const closingLimit = 500;

/**
 * Announces one service on one link. Not probed first, because that costs 750 ms and our names are rarely taken:
 * instead the network is asked at the same moment, and `onRival` says if somebody answers.
 */
export async function openLinkAnnouncement({ announcement, link, host, log, isNewcomer, onRival }: LinkAnnouncementOptions): Promise<LinkAnnouncement> {
  let failed: (error: Error) => void = () => undefined;
  const failure = new Promise<never>((_resolve, reject) => (failed = reject));
  failure.catch(() => undefined);

  // With `interface` alone the socket is bound to a unicast address and hears no queries.
  const options: object = { interface: link.address, bind: '0.0.0.0', loopback: true };
  const bonjour = new Bonjour(options, (error: Error) => log.debug('An mDNS answer could not be sent', { link: link.name, error }));
  const { server } = bonjour as unknown as Inside;
  server.mdns.on('error', (error) => failed(error));
  server.mdns.on('warning', (error) => log.debug('mDNS', { link: link.name, error }));

  let farewell = false;
  const mine = (records: readonly DnsRecord[]): DnsRecord[] => {
    const kept = records.filter(({ type, data }) => type !== 'A' && type !== 'AAAA' && !(farewell && data === `_${announcement.type}._tcp.local`));
    // Our host name lives on with the other zones, so a farewell does not take it back.
    const addresses = farewell ? [] : link.ipv4.map((data) => ({ type: 'A', name: host, ttl: 120, data }));
    return [...kept, ...addresses].map((record) => (record.type === 'PTR' ? record : { ...record, flush: true }));
  };
  const register = server.register.bind(server);
  server.register = (records) => register(mine(records));
  const respond = server.mdns.respond.bind(server.mdns);
  let isQuiet = false;
  server.mdns.respond = (response, done) => {
    if (!('answers' in response)) respond(mine(response), done);
    else if (isQuiet) done?.();
    else respond(response, done);
  };

  let service: Service;
  try {
    service = bonjour.publish({ ...announcement, txt: { ...announcement.txt }, host, probe: false });
    const { fqdn, port } = service;
    const holderIn = (records: readonly DnsRecord[]): string | null => {
      const claim = records.find(({ type, name, ttl }) => type === 'SRV' && ttl !== 0 && name.toLowerCase() === fqdn.toLowerCase());
      return claim ? String((claim.data as { target?: unknown }).target).toLowerCase() : null;
    };
    server.mdns.prependListener('query', ({ answers }) => {
      // Those who ask about the name say that they have it. Our own question reaches us too: answered, it would make everybody
      // forget what the one that had the name first has just said. Of two that come together the lower host name gives way.
      const asker = holderIn(answers);
      const isRival = asker !== null && asker !== host && isNewcomer() && host < asker;
      isQuiet = asker === host || isRival;
      if (isRival) onRival(asker);
    });
    server.mdns.on('response', ({ answers, additionals = [] }) => {
      const holder = holderIn([...answers, ...additionals]);
      if (holder === null || holder === host) return;
      // An answer to our question comes from somebody who stays. An announcement may come from another newcomer.
      const isAnswer = !answers.some(({ type }) => type === 'PTR');
      if (isNewcomer() && (isAnswer || host < holder)) onRival(holder);
    });
    await Promise.race([new Promise((resolve) => service.once('up', resolve)), failure]);
    server.mdns.query({ questions: [{ name: fqdn, type: 'SRV' }], answers: [{ name: fqdn, type: 'SRV', ttl: 120, data: { port, target: host } }] });
  } catch (error) {
    bonjour.destroy();
    throw error;
  }

  return {
    async close(closing) {
      farewell = closing.farewell;
      if (closing.farewell) {
        await within(closingLimit, (done) => (service.stop as (done: () => void) => void)(done));
      }
      await within(closingLimit, (done) => bonjour.destroy(done));
    },
  };
}

/** A network that is gone must not keep us from closing. */
function within(limit: number, run: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, limit);
    run(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
