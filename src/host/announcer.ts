import type { Announcement } from '#core';
import { every, type Clock, type Log } from '#foundation';
import { chooseLinks, type Link } from './links.ts';
import { openLinkAnnouncement, type LinkAnnouncement } from './link-announcement.ts';

export interface AnnouncerOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Names or addresses of interfaces; empty for all real ones. */
  readonly interfaces: readonly string[];
  /** Makes names unique: 8 hex digits. */
  readonly instance: string;
  /** For tests: what interfaces there are. */
  readonly links?: () => Link[];
}

/** How often the network is looked at, in milliseconds: a phone must see the speaker within 10 s after an address changed. */
const lookAgain = 3000;

/** Who was here first keeps the name: only answers that come this soon after our first packet make us take another. */
const newcomer = 1500;

/** mDNS for the whole process. Each announcement follows the network: interfaces that come are announced on, those that go are dropped. */
export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #links: () => Link[];

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#links = options.links ?? (() => chooseLinks(options.interfaces));
  }

  /** Announces on all links; resolves when the first packets are out. Without any network it resolves too, and follows when there is one. */
  async announce(announcement: Announcement): Promise<AsyncDisposable> {
    const open = new Map<string, Promise<LinkAnnouncement | null>>();
    let closed = false;
    let isRenamed = false;
    const started = this.#options.clock.monotonic();
    let name = cut(announcement.name);
    const log = this.#options.log;

    const isNewcomer = () => this.#options.clock.monotonic() - started <= newcomer;
    const renamed = (rival: string) => {
      if (closed || isRenamed || !isNewcomer()) return;
      isRenamed = true;
      const before = name;
      name = cut(announcement.name, ` (${this.#options.instance.slice(0, 4)})`);
      log.warn('Another device on the network has the same name; announcing with a longer one', { name: before, now: name, rival });
      // Without a farewell: it would make phones forget the other one.
      const old = [...open.values()];
      open.clear();
      void Promise.all(old.map(async (one) => (await one)?.close({ farewell: false }))).then(follow);
    };

    const follow = async () => {
      if (closed) return;
      const links = this.#links();
      const wanted = new Map(links.map((link) => [JSON.stringify(link), link]));
      for (const [key, one] of open) {
        if (wanted.has(key)) continue;
        open.delete(key);
        void one.then((found) => found?.close({ farewell: false }));
      }
      for (const [key, link] of wanted) {
        if (open.has(key)) continue;
        const opening = openLinkAnnouncement({ announcement: { ...announcement, name }, link, host: `tonearm-${this.#options.instance}.local`, log, isNewcomer, onRival: renamed }).catch(
          (error: unknown) => {
            open.delete(key); // tried again at the next look
            log.warn(`Cannot announce on ${link.name}; trying again`, { error });
            return null;
          },
        );
        open.set(key, opening);
      }
      await Promise.all(open.values());
    };

    await follow();
    if (open.size === 0) log.warn('No network to announce on yet; waiting for one', { interfaces: this.#options.interfaces });
    const looking = every(this.#options.clock, lookAgain, () => void follow());
    return {
      async [Symbol.asyncDispose]() {
        if (closed) return;
        closed = true;
        looking[Symbol.dispose]();
        await Promise.all([...open.values()].map(async (one) => (await one)?.close({ farewell: true })));
      },
    };
  }
}

/** At most 63 bytes of UTF-8 with the ending, cut between characters. A dot would end the label, so it becomes a dash. */
function cut(name: string, ending = ''): string {
  const room = 63 - Buffer.byteLength(ending);
  let kept = '';
  for (const character of name.replaceAll('.', '-')) {
    if (Buffer.byteLength(kept + character) > room) break;
    kept += character;
  }
  return kept.trimEnd() + ending;
}
