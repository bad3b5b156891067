import type { HomeMessages, Host, Millis, PersonView } from '#core';
import { Emitter, Scope } from '#foundation';
import type { OpenPresence, Presence, PresenceChange, PresenceSubject } from '../ports.ts';
import { newHouse, stepHouse, type HouseSettings, type SourceView } from './house-machine.ts';
import type { PresenceSettings } from './settings.ts';
import { Watcher } from './watcher.ts';

/** Somebody said something once may mean a change of state a second later: never look more often than this. */
const shortestWait = 50;

/** Listens to the home's sensors and says who is where. Never rejects: a broker that is away makes everything unknown. */
export function openPresence(settings: PresenceSettings, { messages, host }: { readonly messages: HomeMessages; readonly host: Pick<Host, 'clock' | 'log'> }): Promise<OpenPresence> {
  const { clock } = host;
  const log = host.log.child('presence');
  const scope = new Scope();
  const emitter = new Emitter<{ changed: PresenceChange }>((error) => log.error('A listener to presence failed.', { error }));
  const names = new Map(settings.people.map(({ id, name }) => [id, name ?? id]));
  const house: HouseSettings = { ...settings, people: settings.people.map(({ id }) => id), rooms: [] };
  const watchers = settings.sources.map((source) => new Watcher(source, log));
  let state = newHouse;
  let isGuestMode = false;
  let timer: Disposable | null = null;
  let houseWake: Millis | null = null;
  let isBlind = !messages.isUp;

  const views = (): readonly SourceView[] => watchers.map(({ view }) => view);
  const weigh = (isQuiet: boolean) => {
    const step = stepHouse(state, views(), { isQuiet, isBlind }, house, clock.monotonic());
    state = step.state;
    houseWake = step.wake;
    for (const change of step.changes) {
      log.debug(`${sayOf(change.subject)} is ${change.to}${change.isEdge ? '' : ' (as was learnt)'}.`);
      emitter.emit('changed', { ...change, isEdge: change.isEdge && !isGuestMode, at: clock.now() });
    }
  };
  const setTimer = () => {
    timer?.[Symbol.dispose]();
    timer = null;
    let wake = houseWake;
    for (const watcher of watchers) if (watcher.wake !== null && (wake === null || watcher.wake < wake)) wake = watcher.wake;
    if (wake === null || scope.signal.aborted) return;
    timer = clock.timer(Math.max(wake - clock.monotonic(), shortestWait), () => all((watcher) => watcher.time(clock.monotonic())));
  };
  /** Each watcher's news is weighed by itself, so that what was learnt from one is not taken for news of another. */
  const all = (tell: (watcher: Watcher) => { readonly hasChanged: boolean; readonly isEdge: boolean }) => {
    for (const watcher of watchers) {
      const { hasChanged, isEdge } = tell(watcher);
      if (hasChanged) weigh(!isEdge);
    }
    weigh(true);
    setTimer();
  };

  scope.use(
    messages.events.on('up', () => {
      all((watcher) => watcher.up(clock.monotonic()));
      isBlind = false;
    }),
  );
  scope.use(
    messages.events.on('down', () => {
      isBlind = true;
      all((watcher) => watcher.down(clock.monotonic()));
    }),
  );
  // Before the subscriptions: what comes by them is the first of everything.
  if (messages.isUp) all((watcher) => watcher.up(clock.monotonic()));
  else weigh(true);
  for (const watcher of watchers) {
    for (const ear of watcher.ears) {
      scope.use(
        messages.subscribe(ear.filter, (message) => {
          let hasChanged = false;
          for (const reading of ear.read(message.topic, new TextDecoder().decode(message.payload))) {
            const step = watcher.read(reading, message.retained, clock.now(), clock.monotonic());
            hasChanged ||= step.hasChanged;
            if (step.hasChanged) weigh(!step.isEdge);
          }
          if (!hasChanged) weigh(true);
          setTimer();
        }),
      );
    }
  }
  scope.defer(() => timer?.[Symbol.dispose]());

  return Promise.resolve({
    events: emitter.events,
    of(subject) {
      if (subject.kind === 'house') return state.house.value;
      return (subject.kind === 'person' ? state.people : state.rooms).get(subject.id)?.value ?? 'unknown';
    },
    get people(): readonly PersonView[] {
      return [...state.people].map(([id, { value }]) => ({ id, name: names.get(id) ?? id, presence: value, room: value === 'present' ? (state.views.find((view) => view.person === id && view.room !== null)?.room ?? null) : null }));
    },
    get rooms(): readonly { readonly id: string; readonly presence: Presence }[] {
      return [...state.rooms].map(([id, { value }]) => ({ id, presence: value }));
    },
    setGuestMode(on) {
      isGuestMode = on;
    },
    [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
  });
}

function sayOf(subject: PresenceSubject): string {
  return subject.kind === 'house' ? 'The house' : `${subject.kind === 'person' ? 'Person' : 'Room'} “${subject.id}”`;
}
