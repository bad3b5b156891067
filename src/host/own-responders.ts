import { toTonearmError, type Clock, type Log } from '#foundation';
import type { Link, Networks } from './links.ts';
import type { DnsMessage } from './mdns/dns-message.ts';
import { LinkResponder } from './mdns/link-responder.ts';
import type { Service } from './mdns/service-records.ts';
import type { Place, Presence } from './presence.ts';

export interface OwnRespondersOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Hears everything first, with what is announced on that link. `false`: the query is not to be answered. */
  readonly onMessage: (message: DnsMessage, services: ReadonlyMap<Presence, Service>, defend: (service: Service) => void) => boolean;
}

export interface OwnWish {
  /** Our host name. */
  readonly host: string;
  /** All interfaces of the machine. */
  readonly all: readonly Networks[];
  /** When this differs, everything is opened and announced anew. */
  readonly state: unknown;
  /** False: it is gone for good, and its farewell is said. */
  readonly isAnnounced: (presence: Presence) => boolean;
}

interface OwnLink {
  readonly opening: Promise<LinkResponder | null>;
  readonly services: Map<Presence, Service>;
}

/** Our own responders, one on each link that is ours to answer on. */
export class OwnResponders {
  readonly #options: OwnRespondersOptions;
  readonly #links = new Map<string, OwnLink>();
  /** Links that could not be opened: told once. */
  readonly #failing = new Set<string>();

  constructor(options: OwnRespondersOptions) {
    this.#options = options;
  }

  /** Makes what is announced agree with what should be. Not to be called again before it has resolved. */
  async apply(places: readonly Place[], wish: OwnWish): Promise<void> {
    const wanted = new Map<string, { readonly link: Link; readonly presences: Presence[] }>();
    for (const { link, presence } of places) {
      const key = JSON.stringify([link, wish.host, wish.state]);
      const one = wanted.get(key) ?? { link, presences: [] };
      one.presences.push(presence);
      wanted.set(key, one);
    }
    for (const [key, { opening, services }] of this.#links) {
      const responder = await opening;
      const keeps = wanted.get(key);
      for (const [presence, service] of services) {
        if (keeps?.presences.includes(presence) && presence.service === service) continue;
        services.delete(presence);
        // Renamed or moved is not gone: a farewell would make phones forget the one that has the name now.
        await responder?.withdraw(service, { farewell: !wish.isAnnounced(presence) });
      }
      if (keeps) continue;
      this.#links.delete(key);
      await responder?.[Symbol.asyncDispose]();
    }
    await Promise.all(
      [...wanted].map(async ([key, { link, presences }]) => {
        let own = this.#links.get(key);
        if (!own) this.#links.set(key, (own = { opening: this.#open(key, link, wish), services: new Map() }));
        const responder = await own.opening;
        if (!responder) return;
        for (const presence of presences) {
          if (own.services.has(presence)) continue;
          own.services.set(presence, presence.service);
          responder.announce(presence.service);
        }
      }),
    );
  }

  /** Closes the link's sockets; the next `apply` opens them again. */
  renew(name: string): void {
    for (const [key, { opening }] of this.#links) void opening.then((responder) => responder?.link.name === name && this.#drop(key));
  }

  async #open(key: string, link: Link, { host, all }: OwnWish): Promise<LinkResponder | null> {
    const { clock, log, onMessage } = this.#options;
    try {
      const responder = await LinkResponder.open({
        link,
        all,
        host,
        clock,
        log,
        random: Math.random,
        onMessage: (message) => onMessage(message, this.#links.get(key)?.services ?? new Map(), (service) => responder.defend(service)),
        onBroken: (error) => {
          log.debug(`Announcing on ${link.name} broke off; trying again`, { error });
          this.#drop(key);
        },
      });
      if (this.#failing.delete(link.name)) log.info(`mDNS works on ${link.name} now`);
      return responder;
    } catch (error) {
      if (!this.#failing.has(link.name)) log.warn(toTonearmError(error).message, { code: toTonearmError(error).code });
      this.#failing.add(link.name);
      this.#links.delete(key); // tried again at the next look
      return null;
    }
  }

  /** Closed now, and opened again by the next `apply`. */
  #drop(key: string): void {
    const own = this.#links.get(key);
    this.#links.delete(key);
    void own?.opening.then((responder) => responder?.[Symbol.asyncDispose]());
  }
}
