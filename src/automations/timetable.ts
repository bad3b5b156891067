import type { Host, Millis } from '#core';
import type { PlanOptions, Timetable } from './ports.ts';
import { latestMissed } from './missed.ts';

const name = 'automation-times';
/** The clock is looked at this often even when nothing is due: somebody may set it, the machine may sleep. */
const lookEvery = 30_000;
/** Wall time that moved so much more or less than time passed has jumped. */
const jump = 60_000;
/** What comes so late is on time: a busy machine, a slow start. */
const onTime = 60_000;
/** After a firing this is written soon, and otherwise now and then: a firing must not come twice after a crash. */
const write = { soon: 2000, idle: 600_000 };

interface Plan extends PlanOptions {
  next: Millis | null;
}

export interface OpenTimetable extends Timetable, AsyncDisposable {}

/** Wakes whoever made a plan. What it has seen of time is kept, so that a restart knows what it missed. */
export async function openTimetable({ clock, store, log }: Pick<Host, 'clock' | 'store' | 'log'>): Promise<OpenTimetable> {
  const kept = readKept(await store.read(name));
  const plans = new Set<Plan>();
  /** Every plan of this life: whoever made one may be closed before us. */
  const known = new Set<string>();
  let timer: Disposable | undefined;
  let saving: { readonly timer: Disposable; readonly due: Millis } | undefined;
  let looked = { wall: clock.now(), monotonic: clock.monotonic() };
  let isClosed = false;

  const keyOf = ({ id, schedule }: PlanOptions) => `${id} ${schedule.text}`;

  const save = async () => {
    saving?.timer[Symbol.dispose]();
    saving = undefined;
    try {
      await store.write(name, { seen: clock.now(), plans: [...known] });
    } catch (error) {
      log.warn('The time could not be noted; a firing may be missed or come twice after a restart', { error });
    }
  };
  const saveIn = (delay: Millis) => {
    const due = clock.monotonic() + delay;
    if (isClosed || (saving && saving.due <= due)) return;
    saving?.timer[Symbol.dispose]();
    saving = { due, timer: clock.timer(delay, () => void save()) };
  };

  function arm(): void {
    timer?.[Symbol.dispose]();
    timer = undefined;
    if (isClosed || plans.size === 0) return;
    const now = clock.now();
    let wait = lookEvery;
    for (const { next } of plans) if (next !== null) wait = Math.min(wait, next - now);
    timer = clock.timer(Math.max(wait, 0), look);
  }

  function look(): void {
    const now = clock.now();
    const monotonic = clock.monotonic();
    const drift = now - looked.wall - (monotonic - looked.monotonic);
    looked = { wall: now, monotonic };
    if (Math.abs(drift) > jump) log.info(`The clock ${drift > 0 ? 'is ahead' : 'went back'} by ${Math.round(Math.abs(drift) / 1000)} s: the machine slept, or somebody set it. Times are worked out anew`);
    // Set back: what comes again comes at its right time now. Ahead: what was passed over is seen below.
    if (drift < -jump) {
      for (const plan of [...plans]) {
        plan.next = plan.schedule.after(now);
        plan.setBack?.();
      }
    }
    for (const plan of [...plans]) if (plans.has(plan)) settle(plan, now);
    saveIn(write.idle);
    arm();
  }

  function settle(plan: Plan, now: Millis): void {
    const planned = plan.next;
    if (planned === null || planned > now) return;
    const window = Math.max(onTime, plan.missed === 'skip' ? 0 : plan.missed.catchUp);
    const latest = latestMissed(plan.schedule, planned, now, window);
    plan.next = plan.schedule.after(now);
    saveIn(write.soon);
    const firing = { planned: latest ?? planned, late: now - (latest ?? planned) };
    if (latest === null) plan.lost?.(firing);
    else plan.fire(firing);
  }

  return {
    plan(options) {
      const now = clock.now();
      const seen = kept && options.isNew !== true && kept.plans.has(keyOf(options)) && kept.seen < now ? kept.seen : now;
      const plan: Plan = { ...options, next: options.schedule.after(seen) };
      plans.add(plan);
      // What it was set to before is not missed any more.
      if (options.isNew === true) for (const key of known) if (key.startsWith(`${options.id} `)) known.delete(key);
      known.add(keyOf(options));
      // Not within the caller: it is still being opened.
      arm();
      return {
        [Symbol.dispose]() {
          plans.delete(plan);
          arm();
        },
      };
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      timer?.[Symbol.dispose]();
      if (known.size > 0) await save();
      plans.clear();
    },
  };
}

function readKept(stored: unknown): { readonly seen: Millis; readonly plans: ReadonlySet<string> } | null {
  if (typeof stored !== 'object' || stored === null) return null;
  const { seen, plans } = stored as { seen?: unknown; plans?: unknown };
  if (typeof seen !== 'number' || !Array.isArray(plans)) return null;
  return { seen, plans: new Set(plans.filter((one) => typeof one === 'string')) };
}
