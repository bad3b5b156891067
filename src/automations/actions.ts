import { z } from 'zod';
import { FadeCurve, Uri } from '#core';
import { Duration } from './duration.ts';
import { MqttTrigger, PlaybackTrigger, PresenceTrigger } from './triggers.ts';
import { Id, oneOrMore, Percent, Topic, Zones } from './words.ts';

const zone = { zone: Zones.optional().describe('Where: a zone, a list of zones, or all. The rule\'s own zone when absent') };
const start = {
  volume: Percent.optional().describe('Percent, set before it sounds'),
  fadeIn: Duration.optional().describe('Begin silent and reach the volume in this time'),
};
const here = Zones.or(z.literal(true).transform((): readonly string[] | undefined => undefined));

/** Text with gaps, or anything that becomes JSON. */
const Filled = z.union([z.string(), z.number(), z.boolean(), z.record(z.string(), z.json()), z.array(z.json())]);
/** Of a header, RFC 9110 §5.6.2; but for those that say how long the body is. */
const HeaderName = z.string().regex(/^(?!content-length$|transfer-encoding$)[\w!#$%&'*+.^`|~-]{1,100}$/i, 'must be the name of a header, such as authorization; how long the body is, Tonearm says itself');
const VariableName = z.string().regex(/^[A-Za-z_]\w{0,99}$/, 'must be the name of a variable, such as AMP_ROOM');
const Argument = z.union([z.string(), z.number(), z.boolean()]).transform(String).refine((text) => !text.includes('\0') && text.length <= 4096, 'must be a text of up to 4096 characters without a zero byte');

const PlayAction = z.strictObject({
  play: Uri.describe('What: a Spotify URI or share link, a web address or a file of sound, sound:chime'),
  from: z.union([Uri, z.int().min(0).max(100_000)]).optional().describe('Which row to begin with, as its URI or counted from 0'),
  at: Duration.optional().describe('Where in it to begin: 1m30s'),
  shuffle: z.boolean().optional(),
  ...start,
  ...zone,
});
const PresetAction = z.strictObject({ preset: z.string().min(1).max(100).describe('One of your presets, by id or name'), ...start, ...zone });
const PauseAction = z.strictObject({
  pause: here.describe('Pauses this zone and remembers it, so that resume can take it back. true: the rule\'s own zone'),
  reason: Id.optional().describe('Name of the interruption, if another rule is to end it; this rule\'s id when absent'),
  forget: Duration.default(2 * 3_600_000).describe('After this long the music is not resumed any more'),
});
const ResumeAction = z.strictObject({
  resume: here.describe('Goes on with what pause has paused, unless somebody acted meanwhile or another interruption is still on'),
  reason: Id.optional(),
  fadeIn: Duration.optional().describe('Come back softly'),
});
const StopAction = z.strictObject({
  stop: here.describe('Ends playback and gives the zone back'),
  onlyIf: z.literal('startedByMe').optional().describe('startedByMe: leave alone what others have begun'),
  fadeOut: Duration.optional().describe('Fade out first; the volume is put back afterwards'),
});
const NextAction = z.strictObject({ next: here.describe('Skips to the next track') });
const VolumeAction = z.strictObject({ volume: Percent.describe('Percent'), ...zone });
const MuteAction = z.strictObject({ mute: z.boolean(), ...zone });
const FadeAction = z.strictObject({
  fade: Percent.describe('Moves the volume there, in percent. A person who touches the volume ends it'),
  over: Duration.describe('How long it takes'),
  curve: FadeCurve.default('perceptual').describe('perceptual: evenly, as people hear it'),
  ...zone,
});
const LimitAction = z.strictObject({ limit: Percent.describe('Nothing gets louder than this, whoever asks; 100 lifts it'), ...zone });
const TransferAction = z.strictObject({ transfer: z.string().min(1).max(64).describe('What plays goes on in this zone'), from: z.string().min(1).max(64).optional().describe('Out of this zone; the rule\'s own zone when absent') });
const AnnounceAction = z.strictObject({
  announce: Uri.describe('Something to say over the music: an address of sound, or sound:chime'),
  volume: Percent.optional().describe('Percent'),
  chime: z.boolean().default(false).describe('Ring a chime first'),
  ...zone,
});
const SleepAction = z.strictObject({ sleep: Duration.describe('Pauses after this long'), fadeOut: Duration.default(30_000).describe('How long the end of it fades out'), ...zone });
const WaitAction = z
  .strictObject({
    wait: Duration.describe('Does nothing for this long. Outlives a restart'),
    upTo: Duration.optional().describe('A different time every time, between wait and this'),
  })
  .refine(({ wait, upTo }) => upTo === undefined || upTo >= wait, { path: ['upTo'], message: 'must not be shorter than "wait"' });
const WaitUntilAction = z.strictObject({
  waitUntil: z.union([PresenceTrigger, MqttTrigger, PlaybackTrigger]).describe('Goes on when this happens, or at once where it is so already'),
  atMost: Duration.default(12 * 3_600_000).describe('Waits no longer'),
  otherwise: z.enum(['goOn', 'end']).default('end').describe('What to do when it did not happen in that time'),
});
const RunAction = z.strictObject({ run: Id.describe('Sets another automation off; its conditions are asked') });
const PublishAction = z.strictObject({
  publish: Topic.describe('Says something on MQTT'),
  payload: Filled.default('').describe('Text, or anything that becomes JSON. {{zone.title}} and its like are filled in'),
  retained: z.boolean().default(false).describe('The broker keeps it'),
});
const RequestAction = z.strictObject({
  request: z.string().max(2048).refine(isAddress, 'must be an address such as http://lamp.home/on?title={{zone.title}}; what is filled in stands behind its "?"').describe('Asks something of the web: an address, http or https. {{zone.title}} and its like are filled in behind the ?'),
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).optional().describe('POST with a body and GET without one, when absent'),
  headers: z.record(HeaderName, z.string().max(4096).regex(/^[\t\x20-\x7e]*$/, 'must be plain letters on one line').nullable()).transform(given).optional().describe('What else it is told: authorization: !secret lamp'),
  body: Filled.optional().describe('Text, or anything that becomes JSON. {{zone.title}} and its like are filled in'),
  timeout: Duration.default(10_000).describe('Waits no longer for the answer'),
});
const ProgramAction = z.strictObject({
  program: oneOrMore(Argument)
    .refine(([name = '']) => name.startsWith('/') || (name !== '' && !name.includes('/')), 'must begin with the full path of a program, as in /usr/local/bin/amp, or with its name alone, which is looked for on PATH')
    .describe('Starts a program and waits for its end: its path or name, then its arguments, as a list: [/usr/local/bin/amp, "on"]. No shell; what is on is in its environment as TONEARM_TITLE and so on'),
  environment: z.record(VariableName, Argument.nullable()).transform(given).optional().describe('What its environment has besides'),
  timeout: Duration.default(30_000).describe('Ended by force after this long'),
});
const EnableAction = z.strictObject({ enable: Id.describe('Switches another automation on') });
const DisableAction = z.strictObject({ disable: Id.describe('Switches another automation off') });

/** One thing a rule does. */
export const Action = z.union([
  PlayAction, PresetAction, PauseAction, ResumeAction, StopAction, NextAction, FadeAction, LimitAction, TransferAction, AnnounceAction,
  SleepAction, WaitAction, WaitUntilAction, RunAction, PublishAction, RequestAction, ProgramAction, EnableAction, DisableAction, MuteAction, VolumeAction,
]);
export type Action = z.output<typeof Action>;

/** Without what was left empty, as a backup leaves what is secret. */
function given(record: Readonly<Record<string, string | null>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(record).filter((entry): entry is [string, string] => entry[1] !== null));
}

function isAddress(text: string): boolean {
  return /^https?:\/\/[^\s{}?#]+(\?(?:[^\s#{}]|\{\{\s*[a-z.]+\s*\}\})*)?$/i.test(text) && URL.canParse(text.replace(/\?.*$/, ''));
}
