// Rows of the page's lists: what came in, customers, mails, codes, what failed and what is to be decided.

import { showCustomer, showEffect, showEvent, showMail } from "./closely.js";
import {
  effectPath, eventPath, headlineOf, nameById, nameOfEffect, ofStore, orderName, pluginPath, state, titleOf,
} from "./host.js";
import { el } from "./list.js";
import {
  capital, clock, codesOf, decision, effectKind, effectStatus, hasFailed, minute, moment, money, number, outcomeOf,
  personName, plural, sentence, worth,
} from "./words.js";

const timeOf = (ms) => el("time", { datetime: new Date(ms).toISOString(), title: moment(ms) }, clock(ms));
const opener = (text, onclick, more = "") => el("button", { type: "button", class: `open ${more}`, onclick }, text);
const effectTag = (effect) => el("span", { class: "tag", "data-kind": effect.status }, effectStatus(effect));

export function eventRow(event, effects) {
  const decided = event.deliveries.length > 0 || event.unreadable;
  const led = event.deliveries.flatMap((delivery) => delivery.effects).flatMap((id) => effects.get(id) ?? []);
  const who = nameById(event.customer) ?? (event.order ? "guest" : null);
  const total = event.topic === "order.paid" ? state.activity.orders[event.order]?.total : null;
  return {
    key: event.id,
    kind: decided ? "event" : "event plain",
    says: JSON.stringify([event, led.map((effect) => effect.status), who, total]),
    draw: () => [
      timeOf(event.received_at),
      el("div", {},
        el("div", { class: "line" },
          opener(headlineOf(event), () => showEvent(event)),
          who && el("span", { class: "who" }, who),
          total && el("span", { class: "amount" }, money(total))),
        event.unreadable && el("p", { class: "decision", "data-kind": "dead" }, event.unreadable),
        ...event.deliveries.map((delivery) => decisionOf(delivery, event, led))),
    ],
  };
}

/** A decision, the figures noted with it, and what it led to. */
function decisionOf(delivery, event, led) {
  const fields = hasFailed(delivery) ? [] : delivery.notes.flatMap((note) => sentence(note).fields);
  // What an effect tells better, and what the headline has told.
  const isNews = ([name, value]) => value !== "queued" && !(name === "order" && value === orderName(event));
  const own = led.filter((effect) => delivery.effects.includes(effect.id));
  const effectWords = (effect) => {
    const code = effect.content.CreateDiscount?.code;
    return `${code ? `code ${code}` : effectKind(effect)} ${effectStatus(effect)}`;
  };
  return el("div", { class: "decision", "data-kind": outcomeOf(delivery).kind },
    el("p", {}, decision(delivery)),
    el("p", { class: "fields" },
      el("span", {}, titleOf(delivery.plugin)),
      ...fields.filter(isNews).map(([name, value]) => el("span", {}, `${name} ${value}`)),
      ...own.map((effect) => el("span", {}, effectWords(effect)))));
}

/** The fields of the plugin that keeps a balance, if one does. */
const withBalance = (figures) => Object.values(figures).find((fields) => fields.balance !== undefined);

export function customerRow(row) {
  const fields = withBalance(row.figures);
  const change = Number(fields?.points ?? 0);
  const signed = change === 0 ? "" : `${change > 0 ? "+" : "−"}${number(Math.abs(change))}`;
  return {
    key: row.id,
    kind: "customer",
    says: JSON.stringify(row),
    draw: () => [
      el("div", { class: "line" },
        el("div", { class: "grow" },
          opener(personName(row.customer) ?? `customer ${row.id}`, () => showCustomer(row.id)),
          el("p", { class: "quiet small cut" }, row.customer.email ?? "no e-mail address")),
        el("span", { class: "change", "data-sign": Math.sign(change) }, signed),
        el("span", { class: "balance" }, fields ? number(fields.balance) : "–")),
    ],
  };
}

/** A row for an effect: what it is, whom it is for, how far it has come. */
function effectRow(effect, title, whom, onclick, more) {
  return {
    key: effect.id,
    kind: "effect",
    says: JSON.stringify([effect.status, effect.updated_at, title, whom]),
    draw: () => [
      el("div", { class: "line" },
        el("div", { class: "grow" }, opener(title, onclick, more), el("p", { class: "quiet small cut" }, whom)),
        effectTag(effect),
        timeOf(effect.updated_at)),
    ],
  };
}

export function mailRow(effect) {
  const title = state.subjects.get(effect.id) ?? capital(effect.content.Mail.template);
  return effectRow(effect, title, `to ${nameById(effect.customer)}`, () => showMail(effect));
}

export function codeRow(effect) {
  const { terms, codes } = codesOf(effect);
  const [first, ...others] = codes;
  const name = others.length ? `${first} and ${others.length} more` : first;
  const whom = nameById(effect.customer) ?? "whoever has it";
  return effectRow(effect, name, `${worth(terms.benefit)} for ${whom}`, () => showEffect(effect), "code");
}

/** What has failed, with a button that has it tried again by `tryAgain`. */
export function troubleRow(trouble, tryAgain) {
  const { key, title, reason, due, path, body, onclick, verb = "Try again", standing } = trouble;
  const again = el("button", { type: "button", class: "again", "aria-label": `${verb}: ${title}` }, verb);
  again.addEventListener("click", () => tryAgain(again, path, body));
  return {
    key,
    kind: "trouble",
    says: JSON.stringify([title, reason, due, standing]),
    draw: () => [
      el("div", { class: "line" },
        el("div", { class: "grow" }, onclick ? opener(title, onclick) : el("strong", {}, title),
          el("p", { class: "quiet small" }, capital(reason))),
        el("span", { class: "tag", "data-kind": due ? "pending" : "dead" }, standing ?? (due ? `again at ${minute(due)}` : "given up")),
        again),
    ],
  };
}

/** Paused plugins, failed deliveries and effects, and events that could not be read. */
export function troublesOf(plugins, events, effects) {
  const ofPlugin = plugins.filter((plugin) => plugin.status === "paused").map(({ name, paused }) => ({
    key: `plugin ${name}`,
    title: `${titleOf(name)} is paused`,
    reason: `${paused.reason}. ${plural(paused.waiting, "delivery", "deliveries")} waiting`,
    standing: "paused",
    verb: "Resume",
    path: `${pluginPath(name)}/resume`,
    body: {},
  }));
  const ofEvent = events.flatMap((event) => {
    const about = { path: eventPath(event.id), onclick: () => showEvent(event) };
    const title = headlineOf(event);
    if (event.unreadable) return [{ ...about, key: event.id, title, reason: event.unreadable, body: {} }];
    return event.deliveries.filter(hasFailed).map(({ plugin, outcome }) => {
      const [{ reason, due }] = Object.values(outcome);
      return { ...about, key: `${event.id} ${plugin}`, title: `${titleOf(plugin)}: ${title}`, reason, due, body: { plugin } };
    });
  });
  const ofEffect = effects.map((effect) => ({
    key: effect.id,
    title: effect.customer ? `${nameOfEffect(effect)} for ${nameById(effect.customer)}` : nameOfEffect(effect),
    reason: effect.told ?? "",
    due: effect.due,
    path: effectPath(effect.id),
    body: {},
    onclick: () => showEffect(effect),
  }));
  return [...ofPlugin, ...ofEvent, ...ofEffect];
}

/** A task: what a plugin asks, and the answers that there are. */
export function taskRow(task, tryAgain) {
  const path = ofStore(`tasks/${encodeURIComponent(task.plugin)}/${encodeURIComponent(task.key)}`);
  const answers = task.choices.map(([choice, label]) => {
    const answer = el("button", { type: "button", class: "again", "aria-label": `${label}: ${task.title}` }, label);
    answer.addEventListener("click", () => tryAgain(answer, path, { choice }, "The answer is on its way."));
    return answer;
  });
  const about = [
    titleOf(task.plugin),
    nameById(task.customer),
    ...task.details.map(([name, value]) => `${name}: ${value}`),
  ].filter(Boolean).join(" · ");
  const due = task.overdue ? "overdue" : task.due ? `due ${moment(task.due)}` : "open";
  return {
    key: `task ${task.plugin} ${task.key}`,
    kind: "trouble",
    says: JSON.stringify([task, about]),
    draw: () => [
      el("div", { class: "line" },
        el("div", { class: "grow" }, el("strong", {}, task.title), el("p", { class: "quiet small" }, about)),
        el("span", { class: "tag", "data-kind": task.overdue ? "dead" : "pending" }, due),
        ...answers),
    ],
  };
}
