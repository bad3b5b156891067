/** Who may be heard in a zone. Pure: the shell turns `lost` into an abort of the old holder's signal. */
export interface StageState {
  readonly holder: { readonly source: string; readonly ticket: number } | null;
  readonly nextTicket: number;
}

export type StageInput =
  | { readonly type: 'claim'; readonly source: string }
  | { readonly type: 'release'; readonly ticket: number };

export interface StageStep {
  readonly state: StageState;
  /** The ticket that was just given out, for a claim. */
  readonly granted: number | null;
  /** The ticket whose holder must fall silent now. */
  readonly lost: number | null;
}

export const emptyStage: StageState = { holder: null, nextTicket: 1 };

/** Newest claim wins; a release by somebody who no longer holds the stage changes nothing. */
export function stepStage(state: StageState, input: StageInput): StageStep {
  switch (input.type) {
    case 'claim': {
      const ticket = state.nextTicket;
      return {
        state: { holder: { source: input.source, ticket }, nextTicket: ticket + 1 },
        granted: ticket,
        lost: state.holder?.ticket ?? null,
      };
    }
    case 'release':
      if (state.holder?.ticket !== input.ticket) return { state, granted: null, lost: null };
      return { state: { ...state, holder: null }, granted: null, lost: null };
  }
}
