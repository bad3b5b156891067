import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { every, Scope, sleep, type Clock } from '#foundation';

const settled = 4000;
const looks = 8;
const between = 50;
const rhythm = 10_000;
/** So much more than after the last collection is worth some 15 ms of this thread. Bytes. */
const slack = 3 << 20;

export interface Heap {
  /** Bytes of live and dead objects. */
  used(): number;
  /** Gives back what is dead; takes some 10 to 20 ms. */
  collect(): void;
}

/**
 * Keeps memory near what is really needed. Reading settings, opening parts and logging in leave code and data behind that are not
 * needed again, and V8 has no reason to look while little happens: code is let go once it has been passed over several times.
 * Later, dead objects are given back as soon as they are worth it, instead of when the heap has grown by a third.
 * All of it is this thread's time; the one that plays is not touched.
 */
export function openHousekeeper(clock: Clock, heap: Heap = v8Heap()): AsyncDisposable {
  const scope = new Scope();
  const work = async () => {
    await sleep(clock, settled, scope.signal);
    for (let look = 0; look < looks; look++) {
      heap.collect();
      await sleep(clock, between, scope.signal);
    }
    let floor = heap.used();
    scope.use(
      every(clock, rhythm, () => {
        if (heap.used() < floor + slack) return;
        heap.collect();
        floor = heap.used();
      }),
    );
  };
  void work().catch(() => undefined); // closed before it began
  return scope;
}

function v8Heap(): Heap {
  let collect: (() => void) | undefined;
  return {
    used: () => process.memoryUsage().heapUsed,
    collect() {
      if (!collect) {
        setFlagsFromString('--expose-gc');
        collect = runInNewContext('gc') as () => void;
      }
      collect();
    },
  };
}
