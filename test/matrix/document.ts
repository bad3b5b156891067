import { activities, lasting, patience, type Outcome } from './cell.ts';
import { equivalents, faults, services, type Service } from './trouble.ts';

/** What a cell may cost at most. */
export interface Bound {
  readonly requests: number;
  /** Seconds. */
  readonly recovery: number;
  readonly silence: number;
}

export function keyOf(service: string, fault: string, activity: string): string {
  return `${service} | ${fault} | ${activity}`;
}

/** From what was measured, with room for chance and for small changes. */
export function boundOf({ requests, recovery, silence }: Outcome): Bound {
  // Many tries side by side: how they fall decides how many fit into the time.
  const most = requests === 0 ? 0 : requests < 20 ? Math.ceil(requests * 1.25) + 1 : Math.ceil(requests * 1.6) + 5;
  const isMany = requests >= 10 && silence > 1000;
  const soon = recovery < 100 && !isMany ? 1 : Math.ceil((recovery * 1.25) / 1000) + (isMany ? 10 : 2);
  return { requests: most, recovery: Math.min(soon, patience / 1000), silence: silence < 1 ? 0 : (Math.ceil((silence * 1.25) / 100) + (isMany ? 50 : 1)) / 10 };
}

/** In what a cell cost more than its bound; empty when in nothing. */
export function excess(outcome: Outcome, bound: Bound): string[] {
  const found: string[] = [];
  if (outcome.requests > bound.requests) found.push(`${outcome.requests} requests instead of at most ${bound.requests}`);
  if (outcome.recovery > bound.recovery * 1000) found.push(`well only ${outcome.recovery} ms after the end instead of within ${bound.recovery} s`);
  if (outcome.silence > bound.silence * 1000 + 1) found.push(`${outcome.silence} ms of silence instead of at most ${bound.silence} s`);
  return found;
}

const heading = (service: Service) => `### ${service}`;
const cell = ({ requests, recovery, silence }: Bound) => `${requests} · ${recovery} s${silence > 0 ? ` · ${silence} s silent` : ''}`;

/** The bounds a document states, by key. */
export function readBounds(text: string): Map<string, Bound> {
  const bounds = new Map<string, Bound>();
  for (const service of services) {
    const section = text.split(`${heading(service)}\n`)[1]?.split('\n### ')[0] ?? '';
    for (const fault of faults) {
      const cells = section.split('\n').find((line) => line.startsWith(`| ${fault} |`))?.split('|').slice(2) ?? [];
      activities.forEach((activity, index) => {
        const [, requests, recovery, silence] = /^ (\d+) · (\d+) s(?: · ([\d.]+) s silent)? $/.exec(cells[index] ?? '') ?? [];
        if (requests !== undefined) bounds.set(keyOf(service, fault, activity), { requests: Number(requests), recovery: Number(recovery), silence: Number(silence ?? 0) });
      });
    }
  }
  return bounds;
}

export function writeDocument(bounds: ReadonlyMap<string, Bound>): string {
  const of = (service: Service) => faults.flatMap((fault) => activities.flatMap((activity) => bounds.get(keyOf(service, fault, activity)) ?? []));
  const most = (service: Service) => Math.max(0, ...of(service).map(({ requests }) => requests));
  const slowest = (service: Service) => Math.max(0, ...of(service).map(({ recovery }) => recovery));
  return `# Fault matrix

<!-- Written by test/matrix/faults.test.ts: UPDATE_DOCS=1 npx vitest run --project unit test/matrix/faults -->

${services.length} services, ${faults.length} kinds of trouble, ${activities.length} things a speaker may be doing: ${services.length * faults.length * activities.length} cells, each with a cloud, a speaker and a phone of its own on one
clock that moves only when told to. A cell passes when

1. the trouble begins in the middle of it and lasts ${lasting / 1000} s;
2. afterwards, without anybody touching anything, the speaker does again what it did before, or what it was asked for meanwhile:
   same track, same order, playing when it played, paused where it was paused. What the phone shows, what the speaker shows and what
   is heard agree, the position to 300 ms;
3. nothing was lost: every sample that had come was heard once, and the music goes on with the next one. Trouble anywhere but at the
   CDN makes no silence while music plays, but perhaps a short one before the next track;
4. the phone's next command (play, resume, next) works within 10 s;
5. the cloud was not hammered: no more requests than the cell says, and no breach of the protocol.

A cell reads *requests · seconds*: from the beginning of the trouble until all was well at most so many requests reached the service
in trouble, and all was well at most so many seconds after its end. For music that fell silent the third figure says for how long
at most in all. The test fails when a cell needs more than is written here, and the figures are from measuring, with a quarter on
top (six tenths where there are many), so this page cannot become better than the truth. Run it with \`npx vitest run --project unit test/matrix/faults\`.

The CDN's cells play through the real audio engine (download, decryption, decoder), recognised sample by sample; they use music of
half a megabit per second, of which little fits into what is fetched ahead. The others use a deck that keeps time without decoding,
because no byte of music is touched by their trouble.

| Service | N, most requests in a cell | Slowest recovery |
| --- | --- | --- |
${services.map((service) => `| ${service} | ${most(service)} | ${slowest(service)} s |`).join('\n')}

Counted are: handshakes and key requests (access point), upgrades (dealer), requests (the others). 0 is where no new
connection was needed, or none came about.

${services.map((service) => `${heading(service)}\n\n| | ${activities.join(' | ')} |\n| --- |${activities.map(() => ' --- |').join('')}\n${faults.map((fault) => `| ${fault} | ${activities.map((activity) => {
    const bound = bounds.get(keyOf(service, fault, activity));
    return bound ? cell(bound) : 'fails';
  }).join(' | ')} |`).join('\n')}`).join('\n\n')}

## What the words mean

*idle*: paired, nothing chosen · *loading*: the phone's play command has just been taken, the track is being fetched · *playing*,
*paused*: since some seconds · *seeking*: a second into the trouble somebody seeks far ahead. So that every service is asked for
something during its trouble:

- a second into it, for the services that a track needs, somebody plays a track (*idle*) or taps another row (*paused*). It must play,
  or stand there paused at its beginning, afterwards;
- *playing* and *seeking* are near the end of the track for access point and storage: the next one has to be got ready during the
  trouble and must follow by itself. For metadata the track ends in the trouble: the next one, which was looked up before, plays, and
  it is about the one after that;
- for connect-state somebody changes the volume a second into it.

On web services *refuse* resets the connection as a request comes, *hang* never answers, *cut* sends half an answer and resets, *slow*
answers 4 s late, *429* asks for 5 s, *garbage* answers 200 with a web page, as networks in hotels do. Elsewhere:

| | |
| --- | --- |
${Object.entries(equivalents).map(([name, what]) => `| ${name} | ${what} |`).join('\n')}
`;
}
