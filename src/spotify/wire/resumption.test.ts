import { describe, expect, it } from 'vitest';
import { decodeListCurrentStates, decodeResumePosition, decodeResumeReport, encodeCurrentStates, encodeListCurrentStates, encodeResumeReport } from './resumption.ts';
import { encode, resumption } from './proto/index.ts';

const uri = 'spotify:episode:2RnhhsLPpUvzQ23I6FTEIx';
const now = 1_700_000_000_000;

describe('looking up a resume point (connect-control.md §7.3)', () => {
  it('asks for one uri', () => {
    const bytes = encodeListCurrentStates(uri);
    expect(bytes.toString('latin1')).toBe(`\x10\x01\x22\x32cs.uri == "${uri}"`);
    expect(decodeListCurrentStates(bytes)).toBe(uri);
    expect(decodeListCurrentStates(Buffer.alloc(0))).toBeNull();
  });

  it.each<[string, Parameters<typeof encodeCurrentStates>[0], number]>([
    ['nothing known', [], 0],
    ['one position', [{ uri, revisions: [{ position: 90_000, updated: now }] }], 90_000],
    ['the newest', [{ uri, revisions: [{ position: 1000, updated: now - 1 }, { position: 2000, updated: now }, { position: 3000, updated: now - 2 }] }], 2000],
    ['finished', [{ uri, revisions: [{ position: 1000, updated: now - 1 }, { position: 'finished', updated: now }] }], 0],
    ['another episode', [{ uri: 'spotify:episode:x', revisions: [{ position: 1000, updated: now }] }], 0],
  ])('%s', (_, states, position) => {
    expect(decodeResumePosition(encodeCurrentStates(states), uri)).toBe(position);
  });

  it('takes relative positions', () => {
    const bytes = encode(resumption.ListCurrentStatesResponse, {
      currentStates: [{ uri, resumePointRevisions: [{ snapshot: { relativePosition: { startOffset: { seconds: 5, nanos: 500_000_000 }, contentDuration: { seconds: 60 } } } }] }],
    });
    expect(decodeResumePosition(bytes, uri)).toBe(5500);
  });
});

describe('reporting a resume point', () => {
  it('rounds down to whole seconds', () => {
    expect(decodeResumeReport(encodeResumeReport({ uri, position: 61_999, now }))).toEqual({ uri, position: 61_000, now });
    expect(decodeResumeReport(encodeResumeReport({ uri, position: 0, now }))).toEqual({ uri, position: 0, now });
  });

  it('says when it was heard to the end', () => {
    expect(decodeResumeReport(encodeResumeReport({ uri, position: 'finished', now: now + 5 }))).toEqual({ uri, position: 'finished', now: now + 5 });
  });
});
