import type { Host, RunResult, RunView } from '#core';
import { Emitter } from '#foundation';
import type { History, RunRecord } from './ports.ts';

const name = 'automation-history';
/** Firings that are remembered, of all and of one automation. */
const most = { all: 300, each: 50, steps: 100 };
/** Flash memory wears: written at most so often, ms. */
const writeEvery = 60_000;

export interface OpenHistory extends History, AsyncDisposable {}

/** What ran, when and why: newest first. Skips that repeat themselves are one entry. */
export async function openHistory({ store, log, clock }: Pick<Host, 'store' | 'log' | 'clock'>): Promise<OpenHistory> {
  const emitter = new Emitter<{ ran: RunView }>((error) => log.error('A listener failed', { error }));
  // Replaced as a whole at each change: views are handed out and must not move.
  let views: RunView[] = viewsOf(await store.read(name)).map((view) => (view.result === 'running' ? { ...view, result: 'interrupted', why: 'The daemon was stopped meanwhile.' } : view));
  let saving: Disposable | undefined;

  const save = async () => {
    saving?.[Symbol.dispose]();
    saving = undefined;
    try {
      await store.write(name, views);
    } catch (error) {
      log.warn('The history of automations could not be saved', { error });
    }
  };
  const changed = (view: RunView) => {
    emitter.emit('ran', view);
    saving ??= clock.timer(writeEvery, () => void save());
  };

  function begin(automation: string, trigger: string): RunRecord {
    let view: RunView = { automation, at: clock.now(), ended: null, trigger, result: 'running', why: '', steps: [] };
    views = bounded([view, ...views], automation);
    const replace = (next: RunView) => {
      views = views.map((one) => (one === view ? next : one));
      view = next;
    };
    return {
      get view() {
        return view;
      },
      step(what, outcome) {
        if (view.ended !== null || view.steps.length >= most.steps) return;
        replace({ ...view, steps: [...view.steps, { what, outcome, at: clock.now() }] });
      },
      end(result: Exclude<RunResult, 'running'>, why: string) {
        if (view.ended !== null) return;
        replace({ ...view, ended: clock.now(), result, why });
        const before = views.filter((one) => one.automation === automation)[1];
        if (before && before.result === 'skipped' && result === 'skipped' && before.trigger === trigger && before.why === why) views = views.filter((one) => one !== before);
        changed(view);
      },
    };
  }

  return {
    events: emitter.events,
    begin,
    list: (automation, count) => views.filter((view) => automation === null || view.automation === automation).slice(0, count),
    async [Symbol.asyncDispose]() {
      if (saving) await save();
    },
  };
}

function bounded(views: readonly RunView[], automation: string): RunView[] {
  let own = 0;
  return views.filter((view) => view.automation !== automation || ++own <= most.each).slice(0, most.all);
}

function viewsOf(stored: unknown): RunView[] {
  if (!Array.isArray(stored)) return [];
  return (stored as (Partial<RunView> | null)[]).filter((view): view is RunView => typeof view?.automation === 'string' && typeof view.at === 'number' && typeof view.result === 'string' && Array.isArray(view.steps)).slice(0, most.all);
}
