import { TonearmError } from '#foundation';
import { sameState } from './pkce.ts';

/** What the browser brought back. */
export type Returned = { readonly kind: 'code'; readonly code: string } | { readonly kind: 'denied' };

/**
 * Reads the address a browser ended at, as it was pasted: whole, or from the `?` on, with or without the scheme.
 * Rejects `accounts/not-the-address`, `accounts/other-login` (another `state`), `accounts/login-refused` (an `error` other than
 * a plain no). Never repeats what was pasted.
 */
export function readRedirect(pasted: string, state: string): Returned {
  const text = pasted.trim().replace(/^["'<]+|["'>]+$/g, '').replace(/\s+/g, '');
  const at = text.indexOf('?');
  const query = new URLSearchParams(at < 0 ? (text.includes('=') ? text : '') : text.slice(at + 1).replace(/#.*$/, ''));
  const code = query.get('code');
  const error = query.get('error');
  if (code === null && error === null) {
    throw new TonearmError({
      kind: 'invalid',
      code: 'accounts/not-the-address',
      message: 'That is not the address the login ended at. It begins with http://127.0.0.1 and holds "code=". Copy it whole from the address bar of the browser, after you have agreed.',
    });
  }
  if (!sameState(query.get('state') ?? '', state)) {
    throw new TonearmError({
      kind: 'invalid',
      code: 'accounts/other-login',
      message: 'That address belongs to another login than this one, or somebody has changed it. Nothing was done. Open the link of this login and paste where it ends.',
    });
  }
  if (error === 'access_denied') return { kind: 'denied' };
  if (code === null || code === '') {
    const what = /^[a-z_]{1,40}$/.test(error ?? '') ? ` (${error ?? ''})` : '';
    throw new TonearmError({ kind: 'unavailable', code: 'accounts/login-refused', message: `Spotify could not complete the login${what}. Begin again; if it stays so, try later.` });
  }
  return { kind: 'code', code };
}
