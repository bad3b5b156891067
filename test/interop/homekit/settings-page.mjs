// In a network of its own: the Homebridge UI with our plugin, and a browser that does what an owner does. Prints one JSON line.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [ui, plugins, storage, pictures, chromiumPath, key] = process.argv.slice(2);
const { chromium } = createRequire(join(ui, 'package.json'))('playwright-core');
mkdirSync(storage, { recursive: true });
mkdirSync(pictures, { recursive: true });
const configPath = join(storage, 'config.json');
writeFileSync(configPath, JSON.stringify({ bridge: { name: 'Bridge', username: '0E:11:22:33:44:66', port: 51827, pin: '031-45-155' }, accessories: [], platforms: [{ platform: 'config', name: 'Config', port: 8581, auth: 'none' }] }));
writeFileSync(join(storage, 'auth.json'), JSON.stringify([{ id: 1, username: 'admin', name: 'admin', hashedPassword: 'none', salt: 'none', admin: true }]));
const server = spawn(process.execPath, [join(ui, 'node_modules/homebridge-config-ui-x/dist/bin/standalone.js'), '-U', storage, '-P', plugins], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, UIX_STRICT_PLUGIN_RESOLUTION: '1' } });
let said = '';
for (const stream of [server.stdout, server.stderr]) stream.on('data', (data) => (said += data));

const limit = 60_000;
const seen = {};
let browser;
try {
  for (let tries = 0; !said.includes('is listening'); tries++) {
    if (tries > 1200) throw new Error(`The UI did not start: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'], timeout: limit });
  const open = async (options) => {
    const page = await browser.newPage(options);
    page.setDefaultTimeout(limit);
    await page.goto('http://127.0.0.1:8581/plugins');
    await page.locator('app-plugin-card a.card-link:has(i.fa-sliders), app-plugin-card a[aria-label="Settings"], app-plugin-card a[aria-label="Plugin Config"]').first().click();
    const frame = page.frameLocator('iframe').first();
    await frame.locator('#address').waitFor();
    await page.locator('input[name="url"]').first().waitFor();
    return { page, frame, save: page.getByRole('button', { name: 'Save' }) };
  };
  /** What an owner does: looks, chooses, enters the key, tests it. */
  const connect = async (page, frame) => {
    await frame.locator('#find').click();
    await frame.locator('#found button').first().waitFor();
    const found = await frame.locator('#found').innerText();
    await frame.locator('#found button').first().click();
    await frame.locator('#key').fill(key);
    await frame.locator('#test').click();
    await frame.locator('#result', { hasText: 'is connected' }).waitFor();
    await page.waitForFunction(() => document.querySelector('input[name="url"]')?.value.endsWith(':8484'));
    return { found, connected: await frame.locator('#result').innerText() };
  };
  const { page: phone } = await open({ viewport: { width: 390, height: 844 }, colorScheme: 'dark', isMobile: true, hasTouch: true });
  await phone.screenshot({ path: join(pictures, 'settings-phone-dark.png') });
  seen.widerThanPhone = await phone.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  await phone.close();
  // Those of the plugin's README.
  const wanted = { light: { viewport: { width: 840, height: 700 } }, dark: { viewport: { width: 840, height: 700 }, colorScheme: 'dark' }, phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true } };
  for (const [name, options] of process.env.TONEARM_PICTURES ? Object.entries(wanted) : []) {
    const { page: shown, frame: inside } = await open(options);
    await connect(shown, inside);
    // What is drawn moves and fades.
    await shown.waitForTimeout(700);
    await shown.screenshot({ path: join(pictures, `connected-${name}.png`) });
    await shown.close();
  }

  const { page, frame, save } = await open({ viewport: { width: 1100, height: 1300 } });
  await page.screenshot({ path: join(pictures, 'settings-light.png') });

  // A bad address cannot be saved, and the form says what a good one looks like.
  const url = page.locator('input[name="url"]').first();
  await url.fill('tonearm.local');
  await url.blur();
  await frame.locator('#result', { hasText: 'is no address' }).waitFor();
  seen.refused = { save: await save.isDisabled(), field: (await page.locator('.modal').innerText()).includes('An address begins with http://'), sentence: await frame.locator('#result').innerText() };
  await page.screenshot({ path: join(pictures, 'settings-refused.png') });
  await url.fill('');
  await url.blur();

  await frame.locator('#address').fill('http://127.0.0.1:8484');
  await frame.locator('#key').fill('wrong-key');
  await frame.locator('#test').click();
  await frame.locator('#result', { hasText: 'does not let us in' }).waitFor();
  seen.wrongKey = await frame.locator('#result').innerText();

  Object.assign(seen, await connect(page, frame));
  await save.click();
  // The UI takes the file away before it puts the new one there.
  const saved = () => {
    try {
      return JSON.parse(readFileSync(configPath, 'utf8'));
    } catch {
      return { platforms: [] };
    }
  };
  for (let tries = 0; tries < 300 && !saved().platforms.some(({ platform }) => platform === 'Tonearm'); tries++) await new Promise((resolve) => setTimeout(resolve, 100));
  seen.saved = saved().platforms.find(({ platform }) => platform === 'Tonearm');
} finally {
  await browser?.close();
  server.kill();
}
console.log(`seen ${JSON.stringify(seen)}`);
