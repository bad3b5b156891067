import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chunkFrames, SoundQueue } from './sound-queue.ts';

const rate = 1000;
const frames = (from: number, count: number) => Float32Array.from({ length: 2 * count }, (_, index) => from + (index >> 1));

test('cuts sound into chunks that know their place', () => {
  const queue = new SoundQueue<string>(rate);
  queue.push('a', 500, frames(0, chunkFrames + 10));
  expect(queue.next).toMatchObject({ load: 'a', position: 500, frames: chunkFrames });
  queue.sent();
  expect(queue.next).toMatchObject({ load: 'a', position: 500 + chunkFrames, frames: 10 });
  queue.sent();
  expect(queue.next).toBeNull();
});

test('what is heard follows from what is not heard', () => {
  const queue = new SoundQueue<string>(rate);
  expect(queue.audible(0)).toBeNull();
  queue.push('a', 0, frames(0, 100));
  queue.sent();
  expect(queue.audible(100)).toEqual({ load: 'a', position: 0 });
  expect(queue.audible(40)).toEqual({ load: 'a', position: 60 });
  queue.push('b', 7, frames(0, 50));
  queue.sent();
  expect(queue.audible(60)).toEqual({ load: 'a', position: 90 });
  expect(queue.border(60)).toBe(10);
  expect(queue.audible(50)).toEqual({ load: 'b', position: 7 });
  expect(queue.border(50)).toBeNull();
  expect(queue.isSilent).toBe(false);
  expect(queue.audible(0)).toEqual({ load: 'b', position: 57 });
  expect(queue.isSilent).toBe(true);
  queue.clear();
  expect(queue.audible(0)).toBeNull();
});

test('whatever the output forgets, and however often, every frame is heard once and in order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 9000 }), fc.integer({ min: 0, max: 9000 }), fc.integer({ min: 0, max: 20_000 })), { minLength: 1, maxLength: 20 }), (steps) => {
      const queue = new SoundQueue<string>(rate);
      const device: number[] = [];
      let heard = 0;
      let made = 0;
      const write = () => {
        while (queue.next) {
          for (let index = 0; index < queue.next.samples.length; index += 2) device.push(queue.next.samples[index] ?? -1);
          queue.sent();
        }
      };
      for (const [count, play, forget] of steps) {
        queue.push('a', made, frames(made, count));
        made += count;
        write();
        heard = Math.min(device.length, heard + play);
        expect(queue.audible(device.length - heard)?.position).toBe(heard);
        const forgotten = Math.min(forget, device.length - heard);
        device.length -= forgotten;
        queue.restore(forgotten);
        expect(queue.audible(device.length - heard)?.position).toBe(heard);
      }
      write();
      expect(device.length).toBe(made);
      expect(device.findIndex((value, index) => value !== index)).toBe(-1);
    }),
  );
});

test('one load’s waiting sound can be withdrawn', () => {
  const queue = new SoundQueue<string>(rate);
  queue.push('a', 0, frames(0, 10));
  queue.push('b', 0, frames(0, 10));
  queue.push('a', 10, frames(0, 10));
  queue.withdraw('a');
  expect(queue.next?.load).toBe('b');
  queue.sent();
  expect(queue.next).toBeNull();
});
