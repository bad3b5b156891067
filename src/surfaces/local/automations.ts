import { z } from 'zod';
import type { Automations } from '#core';
import { TonearmError } from '#foundation';

const Fields = z.strictObject({ id: z.string().min(1).max(64).optional(), count: z.int().min(1).max(1000).default(10) });

/** What the command line asks about automations. Rejects with `not-found` for an id nobody has. */
export async function answerAutomationRequest(automations: Automations, asked: string, given: unknown): Promise<Record<string, unknown>> {
  const { id, count } = Fields.parse(given);
  const named = (): string => {
    if (id !== undefined) return id;
    throw new TonearmError({ kind: 'invalid', code: 'local/which-automation', message: 'Say which automation is meant, by its id.' });
  };
  const by = 'command-line';
  switch (asked) {
    case 'list':
      return { ...automations.picture };
    case 'next':
      return { ...(await automations.forecast(named(), count)) };
    case 'history':
      return { runs: automations.history(id ?? null, count) };
    case 'run':
      await automations.run(named(), by);
      return {};
    case 'enable':
    case 'disable':
      await automations.enable(named(), asked === 'enable');
      return {};
    case 'skip':
      await automations.skipNext(named(), true);
      return {};
    default:
      throw new TonearmError({ kind: 'not-found', code: 'local/unknown-request', message: `This version of the daemon does not know "automation/${asked}". If Tonearm was updated, restart it.` });
  }
}
