import type { LoadId, Millis, Playable } from '#core';
import type { DeckNews, ToThread } from './wire/index.ts';

/** What is to be said. */
interface Announcement {
  readonly id: LoadId;
  readonly playable: Playable;
  readonly gain: number;
  readonly duck: number;
}

interface Loaded {
  readonly id: LoadId;
  playable: Playable;
  position: Millis;
  paused: boolean;
}

/** What was asked for and is not over: all that a new thread would have to be told. */
export class Wanted {
  loaded: Loaded | null = null;
  follower: { readonly playable: Playable; readonly id: LoadId } | null = null;
  gain = 1;
  /** In order. */
  readonly announcements = new Map<LoadId, Announcement>();

  /** Something is to be heard now. */
  get isDue(): boolean {
    return (this.loaded !== null && !this.loaded.paused) || this.announcements.size > 0;
  }

  /** For a new thread. */
  *messages(): Generator<ToThread> {
    const { gain, loaded, follower } = this;
    yield { kind: 'gain', gain };
    if (loaded) yield { kind: 'play', id: loaded.id, playable: loaded.playable, at: loaded.position, paused: loaded.paused };
    if (loaded && follower) yield { kind: 'follow', next: follower };
    for (const announcement of this.announcements.values()) yield { kind: 'announce', ...announcement };
  }

  refresh(id: LoadId, playable: Playable): void {
    if (this.loaded?.id === id) this.loaded.playable = playable;
    if (this.follower?.id === id) this.follower = { id, playable };
  }

  /** No music any more. */
  unload(): void {
    this.loaded = this.follower = null;
  }

  /** None of the announcements any more; returns which there were. */
  forgetAnnouncements(): readonly LoadId[] {
    const forgotten = [...this.announcements.keys()];
    this.announcements.clear();
    return forgotten;
  }

  /** The thread tells what has become of it. */
  note(news: DeckNews): void {
    const { loaded, follower } = this;
    if (news.name === 'announced') this.announcements.delete(news.event.id);
    if (news.name === 'announcing' || news.name === 'announced') return;
    if (news.name === 'playing' && news.event.id === follower?.id) {
      this.loaded = { ...follower, position: news.event.position, paused: false };
      this.follower = null;
    } else if (loaded?.id === news.event.id) {
      if ('position' in news.event) loaded.position = news.event.position;
      // An output that failed may have come back by itself.
      if (news.name === 'playing') loaded.paused = false;
      if (news.name === 'failed') {
        // Trouble with the output leaves the load in place for a resume; any other failure ends it.
        if (news.event.error.code.startsWith('output/')) loaded.paused = true;
        else this.unload();
      }
      if (news.name === 'ended' && !follower) this.loaded = null;
    }
  }
}
