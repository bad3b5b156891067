/** Answers as lines for people. Pure. */

export interface Login {
  readonly method: 'code' | 'browser';
  readonly address: string;
  readonly code: string | null;
  readonly page: string | null;
  readonly qr: { readonly text: string } | null;
  readonly ends: string;
}

export interface Accounts {
  readonly accounts: readonly { readonly id: string; readonly name: string; readonly zone: string; readonly active: boolean; readonly way: string; readonly used: string; readonly forgotten: string | null; readonly state: string }[];
  readonly web: readonly { readonly id: string; readonly name: string | null; readonly ends: string; readonly daysLeft: number; readonly state: string }[];
  readonly questions: readonly { readonly id: string; readonly zone: string; readonly account: string; readonly phone: string | null; readonly active: string }[];
}

export function loginLines({ method, address, code, page, qr, ends }: Login, { isTerminal }: { readonly isTerminal: boolean }): string[] {
  const until = `It has to be done before ${ends.slice(11, 16)} UTC.`;
  if (method === 'code') {
    return [
      `Open this address on a phone or computer where you are logged in to Spotify:`,
      '',
      `  ${address}`,
      '',
      `and agree to the code   ${code ?? ''}`,
      ...(isTerminal && qr !== null ? ['', qr.text] : []),
      ...(page === null ? [] : ['', `This page shows it, too:  ${page}`]),
      '',
      until,
    ];
  }
  return [
    'Open this address in any browser, log in and agree:',
    '',
    `  ${address}`,
    '',
    ...(page === null ? [] : ['or begin on this page, which also takes the answer:', '', `  ${page}`, '']),
    'The browser then stands at an address that begins with http://127.0.0.1. On another machine than',
    'this one that page does not open, which is as it should be: copy the whole address and paste it here.',
    until,
  ];
}

const ways: Readonly<Record<string, string>> = { phone: 'with a phone', code: 'with a code', browser: 'in a browser' };

export function accountLines({ accounts, web, questions }: Accounts, zones: readonly { readonly id: string; readonly name: string }[]): string[] {
  const nameOf = (id: string) => zones.find((zone) => zone.id === id)?.name ?? id;
  const day = (at: string) => at.slice(0, 10);
  const lines = zones.flatMap(({ id, name }) => {
    const rows = accounts.filter(({ zone }) => zone === id);
    if (rows.length === 0) return [`${name}: nobody is remembered. Pick the speaker in the Spotify app, or run "tonearm login".`];
    return [
      `${name}:`,
      ...rows.map(({ id: account, name: user, active, way, used, forgotten, state }) => {
        const what = state === 'login-needed' ? 'has to log in again' : active ? 'logged in' : 'remembered';
        return `  ${user}  (${account})  ${what}, came ${ways[way] ?? way}, last used ${day(used)}${forgotten === null ? '' : `, forgotten on ${day(forgotten)} unless it plays`}`;
      }),
    ];
  });
  if (web.length > 0) lines.push('Web API:');
  for (const { id, name, ends, daysLeft, state } of web) {
    lines.push(`  ${name ?? 'unnamed'}  (${id})  ${state === 'login-needed' ? 'has ended: run "tonearm login --web"' : `ends on ${day(ends)}, in ${daysLeft} ${daysLeft === 1 ? 'day' : 'days'}`}`);
  }
  for (const { id, zone, account, phone, active } of questions) {
    lines.push(`${account || 'A guest'}${phone === null ? '' : ` (${phone})`} wants “${nameOf(zone)}”, which ${active} has: tonearm answer yes ${id}   or   tonearm answer no ${id}`);
  }
  return lines;
}

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scope: 'read' | 'control';
  readonly created: string | null;
  readonly used: string | null;
}

export function keyLines(keys: readonly ApiKey[]): string[] {
  if (keys.length === 0) return ['Nobody has a key, so nobody can use the API. Make one with "tonearm keys add NAME --scope control".'];
  return keys.map(({ id, name, scope, created, used }) => {
    const since = created === null ? 'from the configuration' : `since ${created.slice(0, 10)}, ${used === null ? 'never used' : `last used ${used.slice(0, 13).replace('T', ' ')}h`}`;
    return `${name}  (${id})  ${scope === 'control' ? 'may look and act' : 'may look'}, ${since}`;
  });
}
