import { createHash } from 'node:crypto';
import type { LoginView } from '#core';

const style = `
:root{color-scheme:light dark;--paper:#fbfaf7;--card:#fff;--ink:#20242a;--soft:#5d6570;--line:#dcd9d2;--accent:#1c6b50;--on-accent:#fff;--bad:#a32a1e;--good:#1c6b50}
@media (prefers-color-scheme:dark){:root{--paper:#14171a;--card:#1d2125;--ink:#eceae5;--soft:#a3a9b2;--line:#363c43;--accent:#63c7a0;--on-accent:#0c1a14;--bad:#ff9a8c;--good:#63c7a0}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:1.0625rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:34rem;margin:0 auto;padding:clamp(1.25rem,6vh,4rem) 1.25rem 3rem}
header{color:var(--soft);font-size:.95rem;letter-spacing:.02em;margin-bottom:.4rem}
h1{font-size:clamp(1.5rem,5vw,2rem);line-height:1.2;margin:0 0 1.25rem}
section{background:var(--card);border:1px solid var(--line);border-radius:.9rem;padding:1.25rem;margin:0 0 1rem}
h2{font-size:1.05rem;margin:0 0 .5rem}
p{margin:.4rem 0 .8rem}p:last-child{margin-bottom:0}
.soft{color:var(--soft);font-size:.95rem}
.button,button{display:inline-block;font:inherit;font-weight:600;border:0;border-radius:.6rem;padding:.7rem 1.15rem;background:var(--accent);color:var(--on-accent);text-decoration:none;cursor:pointer}
.button:focus-visible,button:focus-visible,textarea:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
label{display:block;font-weight:600;margin-bottom:.4rem}
textarea{width:100%;font:1rem/1.4 ui-monospace,SFMono-Regular,Menlo,monospace;padding:.7rem;border:1px solid var(--line);border-radius:.6rem;background:var(--paper);color:var(--ink);resize:vertical;margin-bottom:.8rem;word-break:break-all}
code{font-family:ui-monospace,SFMono-Regular,Menlo,monospace;font-size:.95em}
.code{font:600 clamp(1.7rem,9vw,2.6rem)/1.2 ui-monospace,SFMono-Regular,Menlo,monospace;letter-spacing:.08em;margin:.2rem 0 1rem;overflow-wrap:anywhere}
.qr{background:#fff;border-radius:.6rem;padding:.5rem;width:min(13rem,70vw);margin:0 0 1rem}.qr svg{display:block;width:100%;height:auto}
.said{border-left:.3rem solid var(--line);padding:.6rem .9rem;margin:0 0 1rem;background:var(--card);border-radius:0 .6rem .6rem 0}
.bad{border-color:var(--bad);color:var(--bad)}.good{border-color:var(--good)}
`;

/** Everything the page may do: show itself, and send its form back to where it came from. */
export const contentPolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`;

/** A login as its page shows it. `zones`: names; `error`: what was wrong with the last try. */
export function loginPage(login: LoginView, { zones, error }: { readonly zones: readonly string[]; readonly error: string | null }): string {
  const where = login.purpose === 'web' ? 'Log in to Spotify’s web API' : `Log in for ${zones.length === 0 ? 'this speaker' : zones.map((name) => `“${name}”`).join(', ')}`;
  const said = error === null ? '' : `<p class="said bad" role="alert">${escape(error)}</p>`;
  switch (login.status) {
    case 'waiting':
      return login.code === null ? frame(where, said + browserSteps(login)) : frame(where, said + codeSteps(login), 4);
    case 'finishing':
      return frame(where, '<p class="said">You have agreed; the login is being completed …</p>', 2);
    case 'done':
      return frame('You are logged in', `<p class="said good">${login.purpose === 'web' ? 'Tonearm may look things up for you now.' : `${escape(zones.join(', ') || 'The speaker')} can be found in the Spotify app now.`}</p><p class="soft">This page can be closed.</p>`);
    case 'failed':
    case 'cancelled':
      return frame('That did not work', `<p class="said bad" role="alert">${escape(login.error?.message ?? 'The login is over.')}</p><p class="soft">Begin a new login where you got this page’s address.</p>`);
  }
}

/** For addresses without a login. */
export function emptyPage(what: string): string {
  return frame('No login here', `<p class="said">${escape(what)}</p><p class="soft">Begin a login with <code>tonearm login</code> on the machine Tonearm runs on, or with the request <code>account/login</code> over MQTT. Both give the address of a page like this one, which works for some minutes.</p>`);
}

function browserSteps({ address }: LoginView): string {
  return `<section><h2>1. Agree at Spotify</h2>
<p>Log in there and agree. Keep this page open.</p>
<p><a class="button" href="${escape(address)}" target="_blank" rel="noopener noreferrer">Open Spotify’s login</a></p></section>
<section><h2>2. Bring the address back</h2>
<p>Afterwards the browser stands on a page that does not open, at an address that begins with <code>http://127.0.0.1</code>. That is as it should be. Copy the whole address from the address bar and paste it here.</p>
<form method="post"><label for="address">Address</label>
<textarea id="address" name="address" rows="3" required autocomplete="off" autocapitalize="off" spellcheck="false" placeholder="http://127.0.0.1:5588/login?code=…"></textarea>
<button type="submit">Log in</button></form></section>`;
}

function codeSteps({ address, code, qr }: LoginView): string {
  return `<section><h2>Agree at Spotify</h2>
<p>Open the address on a phone or computer where you are logged in to Spotify, and compare the code.</p>
<p class="code">${escape(code ?? '')}</p>
${qr === null ? '' : `<div class="qr" role="img" aria-label="QR code of the address">${qr.svg}</div>`}
<p><a class="button" href="${escape(address)}" target="_blank" rel="noopener noreferrer">Open Spotify</a></p>
<p class="soft">${escape(address)}</p></section>
<p class="soft">This page follows by itself.</p>`;
}

/** `again`: seconds after which the page looks again. */
function frame(title: string, body: string, again?: number): string {
  const refresh = again === undefined ? '' : `<meta http-equiv="refresh" content="${again}">`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">${refresh}<title>${escape(title)} · Tonearm</title><style>${style}</style></head>
<body><main><header>Tonearm</header><h1>${escape(title)}</h1>
${body}
</main></body></html>
`;
}

function escape(text: string): string {
  return text.replace(/[<>&"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
