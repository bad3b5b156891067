import type { AutomationView, HomeMessage, HomeMessages, Millis, Origin, ZoneView } from '#core';
import type { Clock } from '#foundation';
import { sayDuration } from './duration.ts';
import { isThreshold, passes, sayTest, sayValue, valueAt, valueOf } from './message-value.ts';
import { isAfter, watchPlayback } from './playback.ts';
import type { Alarms, PresenceView } from './ports.ts';
import type { EventTrigger } from './triggers.ts';
import { saySubject, subjectOf } from './words.ts';

/** What is watched, and on which clock. */
export interface Surroundings {
  readonly clock: Clock;
  readonly zones: readonly ZoneView[];
  readonly presence: PresenceView;
  readonly messages: HomeMessages;
  readonly alarms: () => Pick<Alarms, 'views' | 'events'> | null;
}

/** What was noticed. */
export interface Notice {
  readonly kind: 'presence' | 'event';
  readonly text: string;
  /** Who did it, where that can be known. */
  readonly by: Origin | null;
  /** Where it was heard, for the search for circles. */
  readonly topic?: string;
}

export interface WatchOptions {
  /**
   * What is so already counts as having happened, as for somebody who waits for it. Otherwise only what happens does: nothing that
   * is merely learnt at a start or after a connection came back.
   */
  readonly isState: boolean;
}

/** Calls `notice` each time it happens, until disposed. */
export function watch(trigger: EventTrigger, around: Surroundings, options: WatchOptions, notice: (notice: Notice) => void): Disposable {
  if ('presence' in trigger) return watchPresence(trigger, around, options, notice);
  if ('mqtt' in trigger) return watchMessages(trigger, around, options, notice);
  if ('playback' in trigger) return watchZones(trigger, around, options, notice);
  if ('homeAssistant' in trigger) return around.messages.events.on('born', () => notice({ kind: 'event', text: 'Home Assistant started', by: null }));
  return watchAlarms(trigger, around, notice);
}

/** Runs something once it has been so for a while. */
class Hold implements Disposable {
  readonly #clock: Clock;
  readonly #for: Millis;
  #timer: Disposable | undefined;

  constructor(clock: Clock, hold: Millis | undefined) {
    this.#clock = clock;
    this.#for = hold ?? 0;
  }

  /** Goes on where it has begun already. */
  begin(run: () => void): void {
    if (this.#for === 0) run();
    else
      this.#timer ??= this.#clock.timer(this.#for, () => {
        this.#timer = undefined;
        run();
      });
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }
}

function watchPresence({ presence: wanted }: Extract<EventTrigger, { presence: object }>, { clock, presence }: Surroundings, { isState }: WatchOptions, notice: (notice: Notice) => void): Disposable {
  const subject = subjectOf(wanted);
  const name = saySubject(subject);
  const text = `presence ${name} ${wanted.to}${wanted.for === undefined ? '' : ` for ${sayDuration(wanted.for)}`}`;
  const hold = new Hold(clock, wanted.for);
  const happened = () => notice({ kind: 'presence', text, by: null });
  const handle = presence.events.on('changed', (change) => {
    if (saySubject(change.subject) !== name) return;
    if (change.to !== wanted.to) hold[Symbol.dispose]();
    else if (isState || change.isEdge) hold.begin(happened);
  });
  if (isState && presence.of(subject) === wanted.to) hold.begin(happened);
  return all(handle, hold);
}

/** A filter may fit topics without end; of so many it is known how they were. */
const mostTopics = 1000;

function watchMessages(trigger: Extract<EventTrigger, { mqtt: string }>, { clock, messages }: Surroundings, { isState }: WatchOptions, notice: (notice: Notice) => void): Disposable {
  /** Of topics whose value must come to fit: whether it did, and since when it has to last. The one that was silent longest comes first. */
  const topics = new Map<string, { readonly fits: boolean; readonly hold: Hold }>();
  const forget = (topic: string) => {
    topics.get(topic)?.hold[Symbol.dispose]();
    topics.delete(topic);
  };
  const needsEdge = isThreshold(trigger) || trigger.for !== undefined;
  const test = sayTest(trigger);
  const hear = ({ topic, payload, retained }: HomeMessage) => {
    const message = valueOf(payload);
    const now = passes(trigger, message);
    if (now === null) return;
    const known = topics.get(topic);
    const hold = known?.hold ?? new Hold(clock, trigger.for);
    if (needsEdge) {
      topics.delete(topic);
      topics.set(topic, { fits: now, hold });
      if (topics.size > mostTopics) forget(topics.keys().next().value ?? '');
    }
    if (!now) hold[Symbol.dispose]();
    // A message that is kept is a state from before. So is the first value there is, where the change counts.
    const isNews = isState || (!retained && (!needsEdge || known?.fits === false));
    if (!now || !isNews) return;
    const value = trigger.path === undefined && test === '' ? '' : ` (${sayValue(valueAt(message, trigger.path))})`;
    const text = `${topic}${test === '' ? '' : ` ${test}`}${value}`;
    hold.begin(() => notice({ kind: 'event', text, by: null, topic }));
  };
  const clear = () => {
    for (const topic of topics.keys()) forget(topic);
  };
  return all(messages.subscribe(trigger.mqtt, hear), messages.events.on('down', clear), { [Symbol.dispose]: clear });
}

function watchZones(trigger: Extract<EventTrigger, { playback: unknown }>, { zones }: Surroundings, { isState }: WatchOptions, notice: (notice: Notice) => void): Disposable {
  const meant = trigger.zone === undefined || trigger.zone.includes('all') ? zones : zones.filter(({ id }) => trigger.zone?.includes(id));
  const say = (event: string, zone: string, by: Origin | null) => notice({ kind: 'event', text: `playback ${event} in ${zone}${by === null ? '' : ` (${by})`}`, by });
  const handles = meant.map((zone) =>
    watchPlayback(zone, ({ event, by }) => {
      if (trigger.playback.includes(event)) say(event, zone.id, by);
    }),
  );
  if (isState) {
    for (const { id, player } of meant) {
      const event = trigger.playback.find((one) => isAfter(one, player.state) === true);
      if (event !== undefined) {
        say(event, id, null);
        break;
      }
    }
  }
  return all(...handles);
}

const alarmWords = { ringing: 'ringing', snoozed: 'snoozed', stopped: 'idle' } as const;

function watchAlarms(trigger: Extract<EventTrigger, { alarm: string }>, { alarms }: Surroundings, notice: (notice: Notice) => void): Disposable {
  const source = alarms();
  if (!source) return all();
  const stateOf = ({ alarm }: AutomationView) => alarm?.state ?? 'idle';
  let before = new Map(source.views.map((view) => [view.id, stateOf(view)]));
  return source.events.on('changed', () => {
    const wanted = alarmWords[trigger.alarm];
    const changed = source.views.filter((view) => stateOf(view) === wanted && before.get(view.id) !== undefined && before.get(view.id) !== wanted);
    before = new Map(source.views.map((view) => [view.id, stateOf(view)]));
    for (const { id } of changed) if (trigger.id === undefined || trigger.id === id) notice({ kind: 'event', text: `alarm ${id} ${trigger.alarm}`, by: `automation:${id}` });
  });
}

function all(...handles: readonly Disposable[]): Disposable {
  return {
    [Symbol.dispose]() {
      for (const handle of handles) handle[Symbol.dispose]();
    },
  };
}
