import type { Programs } from '#core';

const nowhere = new URL('file:///nowhere/program.js');

/** Where nothing may be started. */
export const noPrograms: Programs = { audioThread: nowhere, puzzleThread: nowhere, holidaysThread: nowhere, speakerChild: nowhere };
