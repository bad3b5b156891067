/** Sound, off the main thread. */
export { openDeck, type DeckOptions, type OpenedDeck } from './deck.ts';
