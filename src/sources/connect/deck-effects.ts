import type { Deck, LoadId, Playable } from '#core';
import type { DeviceEffect } from './device-state.ts';

export type DeckEffect = Extract<DeviceEffect, { readonly type: `deck${string}` }>;

/** Tells the deck what the machine wants; nothing while somebody else is heard. What has no recipe any more is not wanted any more. */
export function tellDeck(deck: Deck | null, effect: DeckEffect, recipe: (id: LoadId) => Playable | null): void {
  if (!deck) return;
  switch (effect.type) {
    case 'deckPlay': {
      const { id, at, paused } = effect;
      const playable = recipe(id);
      if (playable) deck.play(playable, { id, at, paused });
      return;
    }
    case 'deckFollow': {
      const { id } = effect;
      const playable = id === null ? null : recipe(id);
      deck.follow(playable && id !== null ? { playable, id } : null);
      return;
    }
    case 'deckPause':
      deck.pause();
      return;
    case 'deckResume':
      deck.resume();
      return;
    case 'deckStop':
      deck.stop();
      return;
    case 'deckSeek':
      deck.seek(effect.to);
      return;
  }
}
