import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeHead, parseFromSpeaker, parseSpeakerTask, SpeakerMessages, ToSpeaker } from './messages.ts';

test('messages survive being cut anywhere', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(ToSpeaker.pcm, ToSpeaker.drain, ToSpeaker.drop), fc.uint8Array({ maxLength: 100 })), { maxLength: 10 }), fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (messages, cuts) => {
      const stream = Buffer.concat(messages.flatMap(([type, body]) => [encodeHead(type, body.length), body]));
      const reader = new SpeakerMessages();
      const got: unknown[] = [];
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const end = at + (cuts[turn % cuts.length] ?? 1);
        for (const { type, body } of reader.push(stream.subarray(at, end))) got.push([type, [...body]]);
        at = end;
      }
      expect(got).toEqual(messages.map(([type, body]) => [type, [...body]]));
    }),
  );
});

test.each(['', 'null', '[]', '{}', '{"task":"play","rate":"44100","channels":2,"device":null,"staysOpen":true}', '{"task":"play","rate":44100,"channels":-1,"device":null,"staysOpen":true}', '{"task":"play","rate":44100.5,"channels":2,"device":null,"staysOpen":true}', '{"task":"play","rate":44100,"channels":2,"staysOpen":true}', '{"task":"play","rate":44100,"channels":2,"device":null,"staysOpen":1}'])('%s is no task: it would abort the native code', (text) => {
  expect(parseSpeakerTask(text)).toBeNull();
});

test('a right task passes', () => {
  const task = { task: 'play', rate: 44_100, channels: 2, device: 'hw:0', staysOpen: false };
  expect(parseSpeakerTask(JSON.stringify(task))).toEqual(task);
});

test('news are read, anything else on standard output is not', () => {
  expect(parseFromSpeaker('{"kind":"taken","bytes":4,"memory":5,"round":1,"more":1}')).toEqual({ kind: 'taken', bytes: 4, memory: 5, round: 1 });
  expect(parseFromSpeaker('{"kind":"drained","round":0}')).toEqual({ kind: 'drained', round: 0 });
  expect(parseFromSpeaker('{"kind":"drained"}')).toBeNull();
  expect(parseFromSpeaker('{"kind":"ready","canDrop":true}')).toEqual({ kind: 'ready', canDrop: true });
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
      expect(['ready', 'drained', 'taken', 'failed', undefined]).toContain(parseFromSpeaker(line)?.kind);
    }),
  );
});
