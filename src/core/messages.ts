import type { Events } from '#foundation';

/** A message of the owner's own MQTT broker, whatever it is about. */
export interface HomeMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** Kept by the broker and sent because we subscribed: a state, not news. */
  readonly retained: boolean;
}

/**
 * What goes on in the home, as parts without a connection of their own hear it. Who carries it (the MQTT surface) attaches itself;
 * until then, and while the broker is away, nothing is heard and `isUp` is false.
 */
export interface HomeMessages {
  readonly isUp: boolean;
  /** `born`: Home Assistant has said it is online. */
  readonly events: Events<{ up: undefined; down: undefined; born: undefined }>;
  /** Hears every topic that fits the filter, until disposed. After each `up` the broker's retained messages come again. */
  subscribe(filter: string, hear: (message: HomeMessage) => void): Disposable;
  /** Resolves with whether the broker has it. Never rejects. */
  publish(message: { readonly topic: string; readonly payload: string; readonly retained?: boolean }): Promise<boolean>;
}

/** The carrier's side of it. */
export interface HomeMessageCarrier {
  /** Filters come and go. */
  subscribe(filter: string): void;
  unsubscribe(filter: string): void;
  publish(message: { readonly topic: string; readonly payload: string; readonly retained: boolean }): Promise<boolean>;
}
