interface Timer {
  readonly due: number;
  readonly order: number;
  /** Null when it was disposed. */
  run: (() => void) | null;
  readonly origin: string | null;
}

/** Pending timers, the next one at hand however many there are. Equal ones run in the order they were made. */
export class TimerHeap {
  #heap: Timer[] = [];
  #order = 0;
  #size = 0;
  isTracing = false;

  get size(): number {
    return this.#size;
  }

  get origins(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { run, origin } of this.#heap) if (run && origin !== null) counts.set(origin, (counts.get(origin) ?? 0) + 1);
    return counts;
  }

  add(due: number, run: () => void): Disposable {
    const timer: Timer = { due, order: this.#order++, run, origin: this.isTracing ? whence() : null };
    this.#size += 1;
    this.#heap.push(timer);
    this.#rise(this.#heap.length - 1);
    return { [Symbol.dispose]: () => this.#drop(timer) };
  }

  /** Takes the next one out, if it is due at `end` or before. */
  take(end: number): { readonly due: number; readonly run: () => void } | null {
    for (let head = this.#heap[0]; head && head.due <= end; head = this.#heap[0]) {
      this.#pop();
      const { due, run } = head;
      if (!run) continue;
      head.run = null;
      this.#size -= 1;
      return { due, run };
    }
    return null;
  }

  #drop(timer: Timer): void {
    if (!timer.run) return;
    timer.run = null;
    this.#size -= 1;
    if (this.#heap.length < 64 || this.#heap.length < 2 * this.#size) return;
    this.#heap = this.#heap.filter(({ run }) => run).sort(compare);
  }

  #pop(): void {
    const last = this.#heap.pop();
    if (!last || this.#heap.length === 0) return;
    this.#heap[0] = last;
    let at = 0;
    for (;;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) if (this.#isBefore(child, least)) least = child;
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #rise(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    return one !== undefined && other !== undefined && compare(one, other) < 0;
  }

  #swap(a: number, b: number): void {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one && other) [this.#heap[a], this.#heap[b]] = [other, one];
  }
}

function compare(a: Timer, b: Timer): number {
  return a.due - b.due || a.order - b.order;
}

function whence(): string {
  const lines = (new Error().stack ?? '').split('\n').slice(3);
  return lines
    .filter((line) => line.includes('/src/') || line.includes('/test/'))
    .filter((line) => !/virtual-clock|timer-heap|foundation\/clock|simulator\/timers/.test(line))
    .slice(0, 2)
    .map((line) => line.trim().replace(/^at /, '').replace(/\(.*\/(src|test)\//, '($1/'))
    .join(' < ');
}
