// The settings page: finds Tonearms, tries address and key, fills in the form below. Homebridge's UI gives `homebridge`.
(async () => {
  const at = (id) => document.getElementById(id);
  const [find, found, connect, address, key, test, result] = ['find', 'found', 'connect', 'address', 'key', 'test', 'result'].map(at);
  /** The installation that was chosen from the list, as long as its address stands in the form. */
  let chosen = null;
  /** What is wrong with the form as it was last judged, and whether that is what the page shows. */
  let wrong = null;
  let complained = false;

  /** Everything shown is text: names come from the network. */
  function element(tag, className, text = '') {
    const made = document.createElement(tag);
    made.className = className;
    made.textContent = text;
    return made;
  }

  function show(kind, sentence, ...more) {
    const box = element('div', `alert alert-${kind} text-start mb-0`);
    box.append(element('div', '', sentence), ...more);
    result.replaceChildren(box);
    complained = false;
    homebridge.fixScrollHeight?.();
  }

  async function busy(button, text, work) {
    const before = button.textContent;
    button.disabled = true;
    button.textContent = text;
    try {
      await work();
    } catch (error) {
      show('danger', `That did not work: ${error?.message ?? error}`);
    } finally {
      button.disabled = false;
      button.textContent = before;
    }
  }

  const entered = () => address.value.trim().replace(/\/+$/, '');

  async function readConfig() {
    const [config] = await homebridge.getPluginConfig();
    return config ?? { platform: 'Tonearm', name: 'Tonearm' };
  }

  find.addEventListener('click', () =>
    busy(find, 'Looking …', async () => {
      const daemons = await homebridge.request('/find');
      found.replaceChildren(
        ...daemons.map((daemon) => {
          const item = element('button', 'list-group-item list-group-item-action');
          item.type = 'button';
          item.append(element('strong', '', daemon.name), element('div', 'small', `${daemon.urls[0]} · version ${daemon.version || 'unknown'}`));
          item.addEventListener('click', () => {
            chosen = daemon;
            // A key belongs to one daemon: another has no use for it.
            if (!daemon.urls.includes(entered())) key.value = '';
            address.value = daemon.urls[0];
            key.focus();
          });
          return item;
        }),
      );
      if (daemons.length === 1) found.firstElementChild.click();
      if (daemons.length === 0) show('warning', 'None was found. Tonearm announces itself only when it listens to the network (http: host: 0.0.0.0 in its settings), and mDNS does not cross routers or most container networks. You can enter the address by hand.');
      homebridge.fixScrollHeight?.();
    }),
  );

  connect.addEventListener('submit', (event) => {
    event.preventDefault();
    return busy(test, 'Testing …', async () => {
      // Not every address a machine announces leads to it from here.
      const others = chosen?.urls.filter((other) => other !== entered()) ?? [];
      const seen = await homebridge.request('/look', { url: entered(), others, key: key.value });
      const { url } = seen;
      if (seen.kind !== 'seen') {
        show('danger', seen.sentence);
        homebridge.toast.error(seen.sentence, 'Tonearm');
        return;
      }
      const config = await readConfig();
      const isThis = (server) => server.url === url || server.instance === seen.instance;
      const before = (config.servers ?? []).find(isThis);
      const servers = (config.servers ?? []).filter((server) => !isThis(server) && (server.url || server.instance));
      // A name the owner gave stays: exceptions below may go by it.
      const server = { name: before?.name || seen.name, url, ...(before?.instance === seen.instance && { instance: seen.instance }), ...(key.value.trim() && { key: key.value.trim() }), ...(chosen?.urls.includes(url) && chosen.instance === seen.instance && { instance: seen.instance }) };
      address.value = url;
      // The form holds what it was opened with and would write it back, so it is closed meanwhile.
      homebridge.hideSchemaForm();
      await new Promise((resolve) => setTimeout(resolve, 500));
      await homebridge.updatePluginConfig([{ ...config, platform: 'Tonearm', servers: [...servers, server] }]);
      const names = (list) => list.map(({ id, name }) => `${name} (${id})`).join(', ') || 'none';
      const facts = [`Zones: ${names(seen.zones)}`, `Presets: ${names(seen.presets)}`, `Automations: ${seen.automations}, alarms: ${seen.alarms}`];
      if (!seen.mayControl) facts.push('This key only reads: Home shows everything and can change nothing. For more, make a key with --scope control.');
      const list = element('ul', 'mb-0');
      list.append(...facts.map((fact) => element('li', '', fact)));
      show(seen.mayControl ? 'success' : 'warning', `“${seen.name}” ${seen.version} is connected and filled in below. Save to use it.`, list);
      homebridge.showSchemaForm();
    });
  });

  /** What is wrong with the form as it stands, in a sentence; null: nothing. The same rules as the plugin's own. */
  function complaint({ servers = [] }) {
    for (const [index, { url, key, instance, name }] of servers.entries()) {
      const which = name || `Tonearm ${index + 1}`;
      if (url && !/^https?:\/\/[^\s/?#]+\/?$/.test(url)) return `“${which}”: “${url}” is no address. It looks like http://tonearm.local:8484.`;
      if (!url && !instance && (key || name)) return `“${which}”: its address is missing.`;
      if (key && !/^[!-~]+$/.test(key)) return `“${which}”: the key has a character no key has. Copy it again, without quotes or spaces.`;
    }
    return null;
  }

  function judge(config) {
    const before = wrong;
    wrong = complaint(config ?? {});
    if (wrong !== null) homebridge.disableSaveButton?.();
    if (wrong === before) return;
    if (wrong === null) {
      homebridge.enableSaveButton?.();
      // What else is shown by now, the answer of a test for one, is no complaint.
      if (complained) result.replaceChildren();
      complained = false;
    } else {
      show('danger', `${wrong} It can be saved once that is mended.`);
      complained = true;
    }
  }

  homebridge.addEventListener('configChanged', ({ data }) => judge(Array.isArray(data) ? data[0] : data));

  address.addEventListener('input', () => (chosen = chosen?.urls.includes(entered()) ? chosen : null));

  // The form appears only where there is something to show; nothing is saved by this.
  const existing = await homebridge.getPluginConfig();
  if (existing.length === 0) await homebridge.updatePluginConfig([await readConfig()]);
  const { servers = [] } = await readConfig();
  if (servers.length > 0) {
    address.value = servers[0].url ?? '';
    key.value = servers[0].key ?? '';
  }
  homebridge.showSchemaForm();

  // The UI keeps back its first `configChanged`, and one more after the page has changed the form: such a change is seen here.
  setInterval(async () => judge(await readConfig()), 500);
})();
