/** How many single-letter changes turn one word into the other (Levenshtein), neighbours swapped counting as one. */
export function distance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let best = Math.min((above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (above[column - 1] ?? 0) + (same ? 0 : 1));
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) best = Math.min(best, (before[column - 2] ?? 0) + 1);
      current.push(best);
    }
    before = above;
    above = current;
  }
  return above[b.length] ?? 0;
}

/** The known word that was probably meant, or null when none is near. Letter case and separators do not count. */
export function nearest(word: string, known: Iterable<string>): string | null {
  const plain = (text: string) => text.toLowerCase().replace(/[-_ ]/g, '');
  const wanted = plain(word);
  let best: { readonly word: string; readonly cost: number } | null = null;
  for (const candidate of known) {
    const other = plain(candidate);
    // A beginning that is long enough is as good as a typing mistake: `norm` for `normalisation`.
    const begins = wanted.length >= 3 && other.startsWith(wanted);
    const cost = begins ? 1 : distance(wanted, other);
    const allowed = Math.max(1, Math.floor(Math.max(wanted.length, other.length) / 3));
    if ((begins || cost <= allowed) && (!best || cost < best.cost)) best = { word: candidate, cost };
  }
  return best?.word ?? null;
}

/** What was probably meant by a name that is not there. */
export function suggestionFor(name: { readonly written: string; readonly known: readonly string[] } | undefined): string | null {
  return name ? nearest(name.written, name.known) : null;
}
