// One thing, looked at closely: the dialog, and what stands in it about events, customers, mails and other effects.

import {
  api, customerPath, effectPath, eventPath, headlineOf, nameById, nameOfEffect, state, titleOf,
} from "./host.js";
import { el, page } from "./list.js";
import {
  capital, codesOf, decision, effectStatus, moment, money, number, parseExactly, printExactly, worth,
} from "./words.js";

export const dialog = page("dialog");

/** Where what is shown has been reached by another way, it is not put in its place. */
let shown = 0;

/** Whether this is what the dialog shows already. */
export const isShown = (title) => dialog.open && page("dialog-title").textContent === title;

export function show(title, ...content) {
  const stays = isShown(title);
  shown += 1;
  page("dialog-title").textContent = title;
  page("dialog-body").replaceChildren(...content.filter(Boolean));
  page("dialog-foot").hidden = true;
  if (!dialog.open) dialog.showModal();
  if (!stays) page("dialog-body").scrollTop = 0;
}

/** Shows what has to be asked for first; what is shown already stays until then. */
export async function showAsked(title, ask) {
  if (!isShown(title)) show(title, el("p", { class: "quiet" }, "One moment …"));
  const before = shown;
  const content = await ask().catch((error) => [el("p", {}, capital(error.message))]);
  if (dialog.open && shown === before) show(title, ...content);
}

/** Puts buttons below what is shown. */
export function showButtons(...buttons) {
  const focus = !dialog.contains(document.activeElement) || document.activeElement === dialog;
  page("dialog-buttons").replaceChildren(...buttons);
  page("dialog-foot").hidden = false;
  if (focus) buttons.at(-1)?.focus();
}

/** Says beside the buttons what has been done, or why not. */
export function say(text, kind = "good") {
  page("dialog-told").dataset.kind = kind;
  page("dialog-told").textContent = text;
}

export function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  const pair = ([name, value]) => [el("dt", {}, name), el("dd", {}, String(value))];
  return el("dl", { class: "facts" }, ...known.flatMap(pair));
}

export function showEvent(event) {
  showAsked(headlineOf(event), async () => {
    const { payload, ...record } = await api(eventPath(event.id), undefined, { parse: parseExactly });
    const decisions = record.deliveries.flatMap((delivery) => [
      el("h3", {}, titleOf(delivery.plugin)),
      el("p", { class: "lead" }, decision(delivery)),
      facts(delivery.notes.flatMap((note) => note.fields.map(([name, value]) => [capital(name), value]))),
    ]);
    const behind = record.deliveries.map((delivery) => facts([
      ["Plugin", delivery.plugin],
      ["Tries", delivery.attempt],
      ["Settings", `version ${delivery.settings_version}`],
      ["State read", delivery.reads.join(", ")],
      ["Fuel used", number(delivery.fuel)],
      ["Effects", delivery.effects.join(", ")],
    ]));
    return [
      facts([
        ["Customer", nameById(record.customer)],
        ["Happened", moment(record.occurred_at)],
        ["Received", moment(record.received_at)],
        ["Not readable", record.unreadable],
      ]),
      ...decisions,
      el("h3", {}, "As it came"),
      facts([
        ["Topic", record.platform_topic ? `${record.topic} (${record.platform_topic})` : record.topic],
        ["Event", record.id],
        ["Position", record.position],
      ]),
      behind.length && el("details", {}, el("summary", {}, "For the plugin's developer"), ...behind),
      el("details", {}, el("summary", {}, "The sender's document"),
        el("pre", {}, payload === undefined ? "It is past its retention." : printExactly(payload))),
    ];
  });
}

const ledger = (rows, empty) => rows.length
  ? el("ol", { class: "ledger" }, ...rows.map(([ms, text, amount]) =>
    el("li", {}, el("time", {}, moment(ms)), el("span", {}, text), el("span", { class: "balance" }, amount))))
  : el("p", { class: "quiet" }, empty);

export function showCustomer(id) {
  showAsked(nameById(id), async () => {
    const { customer, figures, orders, events } = await api(customerPath(id));
    const balances = Object.entries(figures).filter(([, fields]) => fields.balance !== undefined);
    const decisions = events.flatMap((event) => event.deliveries.map((delivery) => {
      const fields = new Map(delivery.notes.flatMap((note) => note.fields));
      return [event.received_at, decision(delivery), fields.has("balance") ? number(fields.get("balance")) : ""];
    }));
    const status = (order) => (order.cancelled_at ? "cancelled" : order.financial_status ?? "not paid").replaceAll("_", " ");
    const bought = orders.map((order) => [order.placed_at, `Order ${order.name}, ${status(order)}`, money(order.total)]);
    return [
      el("dl", { class: "figures" }, ...balances.map(([plugin, fields]) =>
        el("div", {}, el("dt", {}, `${titleOf(plugin)}, balance`), el("dd", {}, number(fields.balance))))),
      facts([
        ["E-mail", customer.email],
        ["Phone", customer.phone],
        ["Tags", customer.tags.join(", ")],
        ["Since", customer.created_at && moment(customer.created_at)],
        ["Number", customer.id],
      ]),
      el("h3", {}, "Decisions and balance, latest first"),
      ledger(decisions, "No plugin has decided anything about this customer."),
      el("h3", {}, "Orders, latest first"),
      ledger(bought, "No orders."),
    ];
  });
}

export function showMail(effect) {
  if (effect.status !== "done") return showEffect(effect);
  showAsked(state.subjects.get(effect.id) ?? "Mail", async () => {
    const mail = await api(`${effectPath(effect.id)}/mail`);
    const frame = el("iframe", { class: "mail", sandbox: "", title: "The mail as it looks", srcdoc: mail.html });
    const text = el("pre", { class: "mail" }, mail.text);
    const tabs = el("div", { class: "tabs", role: "group", "aria-label": "View" });
    const view = (name) => {
      frame.hidden = name === "Plain text";
      text.hidden = !frame.hidden;
      frame.dataset.scheme = name === "Dark" ? "dark" : "light";
      for (const tab of tabs.children) tab.setAttribute("aria-pressed", String(tab.textContent === name));
    };
    const tab = (name) => el("button", { type: "button", onclick: () => view(name) }, name);
    tabs.append(...["Light", "Dark", "Plain text"].map(tab));
    view("Light");
    return [
      facts([["From", mail.from], ["To", mail.to], ["Sent", moment(mail.sent_at)], ["By", titleOf(effect.plugin)]]),
      tabs,
      frame,
      text,
    ];
  });
}

export function showEffect(effect) {
  const { terms, codes } = codesOf(effect) ?? { codes: [] };
  show(nameOfEffect(effect),
    terms && facts([
      ["Value", worth(terms.benefit)],
      ["Orders from", terms.minimum_subtotal && money(terms.minimum_subtotal)],
      ["Valid until", terms.ends_at ? moment(terms.ends_at) : "without end"],
    ]),
    codes.length > 1 && el("h3", {}, "Codes, each for one use"),
    codes.length > 1 && el("pre", {}, codes.join("\n")),
    el("h3", {}, "How far it has come"),
    facts([
      ["Status", effectStatus(effect)],
      ["Reason", effect.status === "done" ? null : effect.told],
      ["Customer", nameById(effect.customer)],
      ["By", titleOf(effect.plugin)],
      ["Queued", moment(effect.queued_at)],
      ["Tries", effect.attempts],
      ["Event", effect.event],
      ["Effect", effect.id],
    ]));
}

page("dialog-close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (click) => click.target === dialog && dialog.close());
dialog.addEventListener("close", () => page("dialog-body").replaceChildren());
