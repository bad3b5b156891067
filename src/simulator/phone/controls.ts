import type { ProvidedTrack } from '#spotify/wire';

/** The buttons of the app. `on` is a device id; default: the device that plays, else the only other one. */
export abstract class Controls {
  protected abstract send(on: string | undefined, command: Readonly<Record<string, unknown>>): Promise<void>;

  pause(on?: string): Promise<void> {
    return this.send(on, { endpoint: 'pause' });
  }

  resume(on?: string): Promise<void> {
    return this.send(on, { endpoint: 'resume' });
  }

  /** To a place in ms. */
  seek(position: number, on?: string): Promise<void> {
    return this.send(on, { endpoint: 'seek_to', value: position, position, relative: 'beginning' });
  }

  next(on?: string): Promise<void> {
    return this.send(on, { endpoint: 'next_track' });
  }

  previous(on?: string): Promise<void> {
    return this.send(on, { endpoint: 'prev_track', options: { allow_seeking: true, override_restrictions: false } });
  }

  /** A click on a row of what comes next. */
  skipTo(track: Pick<ProvidedTrack, 'uri' | 'uid' | 'provider'>, on?: string): Promise<void> {
    return this.send(on, { endpoint: 'next_track', track: { uri: track.uri, uid: track.uid, provider: track.provider, metadata: {} } });
  }

  shuffle(isOn: boolean, on?: string): Promise<void> {
    return this.send(on, { endpoint: 'set_shuffling_context', value: isOn });
  }

  async repeat(mode: 'off' | 'context' | 'track', on?: string): Promise<void> {
    await this.send(on, { endpoint: 'set_options', repeating_context: mode !== 'off', repeating_track: mode === 'track' });
  }

  addToQueue(uri: string, on?: string): Promise<void> {
    return this.send(on, { endpoint: 'add_to_queue', track: { uri, uid: '', metadata: {} } });
  }
}
