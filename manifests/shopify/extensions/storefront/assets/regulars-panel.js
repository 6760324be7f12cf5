// Shows the panel's page inside the block: fetches it from the shop's own address, takes its sections over, and sends
// its forms without leaving the page. Until that has worked, and where it does not, the block's own link is there.
(() => {
  /** The page's part that is the panel. Any other page, such as one that asks for a password, has none. */
  const PANEL = 'main[data-regulars="panel"]';

  /** How far below the window a panel may be when it is fetched. */
  const AHEAD = '600px';

  /** Milliseconds until an answer is no longer waited for. */
  const PATIENCE = 15000;

  /** How a message looks that whoever sees the page can see without it; it would only push the panel down. */
  const HEARD = 'heard';

  class RegularsPanel extends HTMLElement {
    #built;
    #status;
    #content;
    #observer;

    async connectedCallback() {
      await (this.#built ??= this.#build());
      if (!this.isConnected) return;
      if (!('IntersectionObserver' in window)) return void this.#load();
      this.#observer = new IntersectionObserver(
        (entries) => {
          if (!entries.some((entry) => entry.isIntersecting)) return;
          this.#observer.disconnect();
          this.#load();
        },
        { rootMargin: AHEAD },
      );
      this.#observer.observe(this);
    }

    disconnectedCallback() {
      this.#observer?.disconnect();
    }

    /** A tree of its own, so that neither the theme's rules nor the panel's meet the other's classes. */
    async #build() {
      const root = this.attachShadow({ mode: 'open' });
      const style = element('link', { rel: 'stylesheet', href: this.dataset.style });
      // The block's own content stays until there is something better.
      const slot = document.createElement('slot');
      const styled = new Promise((resolve) => (style.onload = style.onerror = resolve));
      root.append(style, slot);
      // What is added before the rules are there would move what is seen.
      await styled;
      this.#status = element('p', { class: 'status', role: 'status', tabindex: '-1' });
      // What does not fit scrolls, and can be scrolled by whoever has no pointer.
      const region = { role: 'region', 'aria-label': this.dataset.label, tabindex: '0' };
      this.#content = element('div', { class: 'content', ...region });
      this.#content.append(slot);
      this.#content.addEventListener('submit', (event) => this.#submit(event));
      root.append(this.#status, this.#content);
    }

    async #load() {
      this.#say(this.dataset.loading, HEARD);
      this.#content.setAttribute('aria-busy', 'true');
      const panel = await fetchPanel(this.dataset.address);
      this.#content.removeAttribute('aria-busy');
      if (!panel) return this.#say(this.dataset.failed);
      this.#show(panel);
      this.#say(this.dataset.shown, HEARD);
    }

    async #submit(event) {
      event.preventDefault();
      const form = event.target;
      if (form.getAttribute('aria-busy') === 'true') return;
      form.setAttribute('aria-busy', 'true');
      // By its attribute: a field may be named `action` as well.
      const panel = await fetchPanel(form.getAttribute('action'), {
        method: 'POST',
        body: new URLSearchParams(new FormData(form)),
      });
      form.removeAttribute('aria-busy');
      // A form that was not sent stays as it was filled in; sent again, it counts once.
      if (panel) this.#show(panel);
      this.#say(panel ? (panel.notice ?? this.dataset.shown) : this.dataset.notSent);
      this.#status.focus();
    }

    #show({ sections }) {
      this.#content.replaceChildren(...sections);
      this.#content.scrollTop = 0;
    }

    #say(text, look = 'seen') {
      this.#status.textContent = text ?? '';
      this.#status.className = `status ${look}`;
    }
  }

  /** The sections of a page and what it says on top; nothing if there is no such page. */
  async function fetchPanel(address, options = {}) {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), PATIENCE);
    try {
      const answer = await fetch(address, {
        ...options,
        headers: { accept: 'text/html' },
        credentials: 'same-origin',
        cache: 'no-store',
        signal: patience.signal,
      });
      if (!answer.ok) return undefined;
      return panelOf(await answer.text(), answer.url || new URL(address, location.href).href);
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  function panelOf(html, url) {
    const panel = new DOMParser().parseFromString(html, 'text/html').querySelector(PANEL);
    if (!panel) return undefined;
    const sections = [...panel.querySelectorAll(':scope > section')].map((section) =>
      document.importNode(section, true),
    );
    for (const form of sections.flatMap((section) => [...section.querySelectorAll('form')])) {
      // The page's addresses hold from where the page is.
      form.setAttribute('action', new URL(form.getAttribute('action'), url).href);
    }
    return { sections, notice: panel.querySelector(':scope > [role="status"]')?.textContent };
  }

  function element(name, attributes) {
    const made = document.createElement(name);
    for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
    return made;
  }

  if (!customElements.get('regulars-panel')) customElements.define('regulars-panel', RegularsPanel);
})();
