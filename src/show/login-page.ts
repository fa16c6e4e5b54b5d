/** The page that asks a person for a token. Enters: where they wanted to go; leaves: HTML. No scripts. */
import { html } from 'hono/html';

export interface LoginPageOptions {
  /** Path to go to afterwards. */
  next: string;
  /** A token was shown and is not accepted. */
  isRefused: boolean;
  /**
   * The request came from another site, and a browser then leaves the cookie out (SameSite=Strict) though there may be one:
   * the page loads itself again, which is a request of this site.
   */
  isFromElsewhere: boolean;
}

export function renderLoginPage({ next, isRefused, isFromElsewhere }: LoginPageOptions) {
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    ${isFromElsewhere ? html`<meta http-equiv="refresh" content="0" />` : ''}
    <title>Log in · Plumbline</title>
    <style>
      :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
      body { max-width: 24rem; margin: 4rem auto; padding: 0 1rem; }
      input, button { font: inherit; padding: 0.3rem 0.5rem; box-sizing: border-box; width: 100%; margin: 0.3rem 0 0.8rem; }
    </style>
  </head>
  <body>
    <h1>Plumbline</h1>
    ${isRefused ? html`<p role="alert">This token is not accepted.</p>` : ''}
    <form method="post" action="/login">
      <input type="hidden" name="next" value="${next}" />
      <label>Token (of the role read or admin)
        <input type="password" name="token" autocomplete="current-password" required autofocus />
      </label>
      <button>Log in</button>
    </form>
  </body>
</html>`;
}
