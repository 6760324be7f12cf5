// Elements, and lists that keep their rows while what they show changes.

export const page = (id) => document.getElementById(id);

/** Builds an element; `null` and `undefined` children are left out, texts become text nodes. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") node.addEventListener("click", value);
    else if (value !== undefined && value !== null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/**
 * Rows by key. An item is `{ key, kind, says, draw }`: a row is drawn anew only when `says` has changed, so that focus and
 * selection stay.
 */
export class List {
  constructor(id, empty) {
    this.box = page(id);
    this.fresh = document.querySelector(`[data-for="${id}"]`);
    this.empty = empty;
    this.rows = new Map();
    this.latest = null;
    this.shown = false;
    for (const release of ["pointerleave", "focusout", "scroll"]) {
      this.box.addEventListener(release, () => requestAnimationFrame(() => this.draw()));
    }
    this.fresh?.addEventListener("click", () => {
      this.box.scrollTop = 0;
      this.draw(true);
      this.box.focus({ preventScroll: true });
    });
  }

  /** Whoever reads or points at the list does not have it moved away. */
  held() {
    const pointed = matchMedia("(hover: hover)").matches && this.box.matches(":hover");
    const focused = this.box.contains(document.activeElement) && document.activeElement !== this.box;
    return this.rows.size > 0 && (pointed || focused || this.box.scrollTop > 8);
  }

  show(items) {
    this.latest = items;
    this.draw();
  }

  forget() {
    this.rows.clear();
    this.box.replaceChildren();
    this.latest = null;
    this.shown = false;
  }

  draw(now = false) {
    if (!this.latest) return;
    if (this.fresh && !now && this.held()) {
      const waiting = this.latest.filter((item) => !this.rows.has(item.key)).length;
      this.latest.forEach((item) => this.renew(item));
      this.fresh.hidden = waiting === 0;
      this.fresh.textContent = `${waiting} new`;
      return;
    }
    if (this.fresh) this.fresh.hidden = true;
    const kept = new Set(this.latest.map((item) => item.key));
    for (const [key, row] of this.rows) {
      if (!kept.has(key)) {
        row.node.remove();
        this.rows.delete(key);
      }
    }
    if (this.latest.length === 0) this.box.replaceChildren(el("li", { class: "empty" }, this.empty()));
    else this.box.querySelector(":scope > .empty")?.remove();
    this.latest.forEach((item, index) => {
      const row = this.renew(item) ?? this.add(item);
      if (this.box.children[index] !== row.node) this.box.insertBefore(row.node, this.box.children[index] ?? null);
    });
    this.shown = true;
  }

  /** The row of an item that has one, drawn anew if it says something else. */
  renew(item) {
    const row = this.rows.get(item.key);
    if (row && row.says !== item.says) {
      row.says = item.says;
      const focused = row.node.contains(document.activeElement);
      row.node.replaceChildren(...item.draw());
      if (focused) row.node.querySelector("button")?.focus({ preventScroll: true });
    }
    return row;
  }

  add(item) {
    const arrives = this.shown ? " new" : "";
    const row = { node: el("li", { class: `row ${item.kind}${arrives}` }, ...item.draw()), says: item.says };
    this.rows.set(item.key, row);
    return row;
  }
}
