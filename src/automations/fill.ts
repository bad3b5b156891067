import type { ZoneView } from '#core';

/** What `{{…}}` in a payload may name. */
export interface Fillings {
  readonly automation: string;
  readonly trigger: string;
  readonly zone: ZoneView | undefined;
}

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/**
 * A payload with its gaps filled. In what is JSON the gaps are inside of texts, so whatever a title holds cannot break out of them;
 * a plain text that looks like JSON is treated as JSON for the same reason.
 */
export function fillPayload(payload: unknown, fillings: Fillings): { readonly text: string; readonly isJson: boolean } {
  if (typeof payload !== 'string') return { text: JSON.stringify(fillJson(payload as Json, fillings)), isJson: true };
  if (/^\s*[[{]/.test(payload)) {
    try {
      return { text: JSON.stringify(fillJson(JSON.parse(payload) as Json, fillings)), isJson: true };
    } catch {
      // No JSON after all.
    }
  }
  return { text: fillText(payload, fillings), isJson: false };
}

/** An address with its gaps filled. They stand behind its `?`, and whatever a title holds stays the one value it is. */
export function fillAddress(address: string, fillings: Fillings): string {
  // Half a character, which some titles have, becomes a whole one.
  return fillText(address, fillings, (value) => encodeURIComponent(Buffer.from(value).toString()));
}

function fillJson(value: Json, fillings: Fillings): Json {
  if (typeof value === 'string') return fillText(value, fillings);
  if (Array.isArray(value)) return (value as readonly Json[]).map((one) => fillJson(one, fillings));
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value as Readonly<Record<string, Json>>).map(([key, one]) => [key, fillJson(one, fillings)]));
  return value;
}

function fillText(text: string, fillings: Fillings, written = (value: string) => value): string {
  return text.replace(/\{\{\s*([a-z.]+)\s*\}\}/g, (whole, name: string) => {
    const value = valueOf(name, fillings);
    return value === null ? whole : written(value);
  });
}

function valueOf(name: string, { automation, trigger, zone }: Fillings): string | null {
  if (name === 'automation') return automation;
  if (name === 'trigger') return trigger;
  const state = zone?.player.state;
  switch (name) {
    case 'zone.id':
      return zone?.id ?? '';
    case 'zone.name':
      return zone?.name ?? '';
    case 'zone.status':
      return state?.status ?? '';
    case 'zone.volume':
      return state ? String(Math.round(state.volume.level * 100)) : '';
    case 'zone.title':
      return state?.track?.title ?? '';
    case 'zone.artist':
      return state?.track?.artists.join(', ') ?? '';
    case 'zone.album':
      return state?.track?.album ?? '';
    case 'zone.uri':
      return state?.track?.uri ?? '';
    default:
      return null;
  }
}
