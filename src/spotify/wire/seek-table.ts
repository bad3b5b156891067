/** The steps a seek table is written in, in 1/65536 of the file (connect-session.md Annex A). */
export const SEEK_TABLE: readonly number[] = [
  0, 112, 197, 327, 374, 394, 407, 417, 425, 433, 439, 444, 449, 454, 458, 462,
  466, 470, 473, 477, 480, 483, 486, 489, 491, 494, 497, 499, 502, 504, 506, 509,
  511, 513, 515, 517, 519, 521, 523, 525, 527, 529, 531, 533, 535, 537, 538, 540,
  542, 544, 545, 547, 549, 550, 552, 554, 555, 557, 558, 560, 562, 563, 565, 566,
  568, 569, 571, 572, 574, 575, 577, 578, 580, 581, 583, 584, 585, 587, 588, 590,
  591, 593, 594, 595, 597, 598, 599, 601, 602, 604, 605, 606, 608, 609, 610, 612,
  613, 615, 616, 617, 619, 620, 621, 623, 624, 625, 627, 628, 629, 631, 632, 634,
  635, 636, 638, 639, 640, 642, 643, 644, 646, 647, 649, 650, 651, 653, 654, 655,
  657, 658, 660, 661, 662, 664, 665, 667, 668, 669, 671, 672, 674, 675, 677, 678,
  679, 681, 682, 684, 685, 687, 688, 690, 691, 693, 694, 696, 697, 699, 700, 702,
  704, 705, 707, 708, 710, 712, 713, 715, 716, 718, 720, 721, 723, 725, 727, 728,
  730, 732, 734, 735, 737, 739, 741, 743, 745, 747, 748, 750, 752, 754, 756, 758,
  760, 763, 765, 767, 769, 771, 773, 776, 778, 780, 782, 785, 787, 790, 792, 795,
  797, 800, 803, 805, 808, 811, 814, 817, 820, 823, 826, 829, 833, 836, 840, 843,
  847, 851, 855, 859, 863, 868, 872, 877, 882, 887, 893, 898, 904, 911, 918, 925,
  933, 941, 951, 961, 972, 985, 1000, 1017, 1039, 1067, 1108, 1183, 1520, 2658, 4666, 8191,
];

/** How a file says where its hundredths are: indices into `SEEK_TABLE`. */
export interface SeekTable {
  readonly offset: number;
  /** 100 of them. */
  readonly deltas: Uint8Array;
}

const entries = 100;

/** Position of k+1 percent of the samples, in 1/65536 of the bytes; 100 of them. */
export function seekPositions({ offset, deltas }: SeekTable): readonly number[] {
  let position = -step(offset);
  return Array.from({ length: entries }, (_, index) => (position += step(deltas[index] ?? 0)));
}

function step(index: number): number {
  return SEEK_TABLE[index] ?? 0;
}

/**
 * The byte at which to look for a sample, relative to the file without its first page. Never negative, never beyond the file.
 * Only near: the true position is the granule position of the next page.
 */
export function seekByte(table: SeekTable, sample: number, { samples, bytes }: { readonly samples: number; readonly bytes: number }): number {
  if (samples <= 0) return 0;
  const positions = seekPositions(table);
  const percent = (Math.min(Math.max(sample, 0), samples) * 100) / samples;
  const index = Math.min(Math.max(Math.floor(percent), 1), entries - 1);
  const before = positions[index - 1] ?? 0;
  const after = positions[index] ?? before;
  const position = before + (after - before) * (percent - index);
  return Math.min(Math.max(Math.floor((position / 65536) * bytes), 0), bytes);
}

/**
 * The table that comes nearest to the given positions (100, rising, in 1/65536 of the bytes). Each step makes up for the
 * rounding of those before it, so errors do not add up.
 */
export function buildSeekTable(positions: readonly number[]): SeekTable {
  const first = positions[0] ?? 0;
  // The first position may be less than the smallest step: the offset takes it back.
  const firstDelta = nearest(Math.max(first, 0) + step(5));
  const offset = nearest(Math.max(step(firstDelta) - first, 0));
  const deltas = Buffer.alloc(entries);
  let position = -step(offset);
  for (let index = 0; index < entries; index++) {
    const delta = index === 0 ? firstDelta : nearest(Math.max((positions[index] ?? position) - position, 0));
    deltas[index] = delta;
    position += step(delta);
  }
  return { offset, deltas };
}

function nearest(value: number): number {
  let best = 0;
  for (let index = 1; index < SEEK_TABLE.length; index++) {
    if (Math.abs(step(index) - value) < Math.abs(step(best) - value)) best = index;
  }
  return best;
}
