// The admin page: asks the JSON API once a second and shows what has changed. What comes from outside enters the page as
// text nodes only; mails stand in sandboxed frames.

import { List, el, page } from "./list.js";
import {
  capital, clock, codesOf, decision, effectKind, effectName, effectStatus, hasFailed, headline, minute, moment, money,
  number, outcomeOf, parseExactly, personName, plural, printExactly, sentence, worth,
} from "./words.js";

const LOOK_EVERY = 1000;
/** Looks between two that ask for the stores and plugins too. */
const STORES_EVERY = 10;
const LISTED = 60;

const state = {
  stores: [],
  /** Plugins' titles by name. */
  titles: new Map(),
  store: null,
  activity: null,
  /** What is known of customers by id, also of those whom the latest activity no longer names. */
  people: new Map(),
  /** Subjects of mails by effect. */
  subjects: new Map(),
  troubles: [],
  /** What plugins ask to be decided. */
  tasks: [],
  /** The counters as they were when the activity and the troubles were last asked for. */
  seen: { activity: "", troubles: "" },
  looks: 0,
};

// ---- The API ----

/** The host has answered, and says no. */
class Refused extends Error {}

/** Where the API is, seen from the page: a shop's own admin has another. */
const API = document.documentElement.dataset.api ?? "/v1";

async function api(path, body, parse = JSON.parse) {
  const post = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const options = { cache: "no-store", signal: AbortSignal.timeout(10_000), ...(body === undefined ? {} : post) };
  const response = await fetch(`${API}${path}`, options);
  const answer = parse(await response.text());
  if (!response.ok) throw new Refused(answer.detail ?? `the host answered ${response.status}`);
  return answer;
}

const ofStore = (path) => `/stores/${encodeURIComponent(state.store.domain)}/${path}`;
const eventPath = (id) => ofStore(`events/${id.split("/").map(encodeURIComponent).join("/")}`);
const effectPath = (id) => ofStore(`effects/${encodeURIComponent(id)}`);
const customerPath = (id) => ofStore(`customers/${encodeURIComponent(id)}`);

// ---- Names ----

const nameById = (id) => (id ? (personName(state.people.get(id)) ?? `customer ${id}`) : null);
const titleOf = (plugin) => state.titles.get(plugin) ?? plugin;
const orderName = (event) => (event.order ? (state.activity?.orders[event.order]?.name ?? event.order) : null);
const headlineOf = (event) => headline(event, orderName(event));
const nameOfEffect = (effect) => effectName(effect, state.subjects.get(effect.id));

// ---- Rows ----

const timeOf = (ms) => el("time", { datetime: new Date(ms).toISOString(), title: moment(ms) }, clock(ms));
const opener = (text, onclick, more = "") => el("button", { type: "button", class: `open ${more}`, onclick }, text);
const effectTag = (effect) => el("span", { class: "tag", "data-kind": effect.status }, effectStatus(effect));

function eventRow(event, effects) {
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

function customerRow(row) {
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

function mailRow(effect) {
  const title = state.subjects.get(effect.id) ?? capital(effect.content.Mail.template);
  return effectRow(effect, title, `to ${nameById(effect.customer)}`, () => showMail(effect));
}

function codeRow(effect) {
  const { terms, codes } = codesOf(effect);
  const [first, ...others] = codes;
  const name = others.length ? `${first} and ${others.length} more` : first;
  const whom = nameById(effect.customer) ?? "whoever has it";
  return effectRow(effect, name, `${worth(terms.benefit)} for ${whom}`, () => showEffect(effect), "code");
}

function troubleRow({ key, title, reason, due, path, body, onclick, verb = "Try again", standing }) {
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
function troublesOf(plugins, events, effects) {
  const ofPlugin = plugins.filter((plugin) => plugin.status === "paused").map(({ name, paused }) => ({
    key: `plugin ${name}`,
    title: `${titleOf(name)} is paused`,
    reason: `${paused.reason}. ${plural(paused.waiting, "delivery", "deliveries")} waiting`,
    standing: "paused",
    verb: "Resume",
    path: ofStore(`plugins/${encodeURIComponent(name)}/resume`),
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
function taskRow(task) {
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

async function tryAgain(button, path, body, done = "It is being tried again.") {
  const verb = button.textContent;
  button.disabled = true;
  button.textContent = "One moment …";
  const told = page("attention-told");
  try {
    await api(path, body);
    told.textContent = done;
  } catch (error) {
    told.textContent = capital(error.message);
  }
  // What comes of it shows a moment later; until then a second click would do the same again.
  setTimeout(async () => {
    state.seen = { activity: "", troubles: "" };
    await look();
    button.disabled = false;
    button.textContent = verb;
    if (document.activeElement === document.body) {
      (button.isConnected ? button : page("attention")).focus({ preventScroll: true });
    }
  }, LOOK_EVERY);
}

// ---- One thing, looked at closely ----

const dialog = page("dialog");

function show(title, ...content) {
  page("dialog-title").textContent = title;
  page("dialog-body").replaceChildren(...content.filter(Boolean));
  if (!dialog.open) dialog.showModal();
  page("dialog-body").scrollTop = 0;
}

/** Shows what has to be asked for first. */
async function showAsked(title, ask) {
  show(title, el("p", { class: "quiet" }, "One moment …"));
  try {
    show(title, ...(await ask()));
  } catch (error) {
    show(title, el("p", {}, capital(error.message)));
  }
}

function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  const pair = ([name, value]) => [el("dt", {}, name), el("dd", {}, String(value))];
  return el("dl", { class: "facts" }, ...known.flatMap(pair));
}

function showEvent(event) {
  showAsked(headlineOf(event), async () => {
    const { payload, ...record } = await api(eventPath(event.id), undefined, parseExactly);
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

function showCustomer(id) {
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

function showMail(effect) {
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

function showEffect(effect) {
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

/** A plugin's settings, and the versions that there have been; first brings one of them back, if one is named. */
function showSettings(plugin, back) {
  const path = ofStore(`plugins/${encodeURIComponent(plugin)}/settings`);
  showAsked(`${titleOf(plugin)}, settings`, async () => {
    if (back) await api(`${path}/${back}/revert`, {});
    const { version, settings, versions } = await api(path);
    const changed = (paths) => (paths.length > 6 ? plural(paths.length, "setting") : paths.map((each) => each.slice(1)).join(", "));
    const rows = versions.toReversed().map((each) => {
      const onclick = () => showSettings(plugin, each.version);
      const button = el("button", { type: "button", class: "again", onclick }, "Bring back");
      return el("li", {}, el("time", {}, moment(each.saved_at)),
        el("span", {}, `Version ${each.version}: ${changed(each.changed) || "the first"}`),
        each.version === version ? el("span", { class: "balance" }, "in force") : button);
    });
    return [
      facts(Object.entries(settings).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)])),
      el("h3", {}, "Versions, latest first"),
      el("ol", { class: "ledger" }, ...rows),
    ];
  });
}

// ---- The parts of the page ----

const lists = {
  feed: new List("feed", () => page("only-decisions").checked && state.activity.events.length
    ? "No plugin has decided anything lately. Untick “Only decisions” to see all that came in."
    : "Nothing has come in yet. Each webhook of the shop appears here within a second, with what plugins decided and why."),
  customers: new List("customers", () => "Customers appear here with their points once a webhook has named one."),
  mails: new List("mails", () => "Mails appear here as they were sent, once a plugin that may send mail has a reason to."),
  codes: new List("codes", () => "Discount codes appear here once a customer has redeemed points for one."),
  attention: new List("attention", () =>
    "Nothing has failed, and nothing is to be decided. What a plugin, the mail server or the shop refuses appears here, " +
    "with a button to try it again, and so does what a plugin asks you."),
};

function drawCounters(counters) {
  const refused = counters.webhooks_unsigned + counters.webhooks_refused + counters.webhooks_failed;
  const failed = counters.events_applied === undefined ? undefined : state.troubles.length;
  const waiting = failed === undefined ? undefined : failed + state.tasks.length;
  const seeWhat = failed ? "See what failed" : "See what to decide";
  const tiles = [
    ["Webhooks taken in", counters.webhooks_accepted, `${plural(counters.webhooks_duplicate, "repeat")} ignored`],
    ["Webhooks refused", refused, `${number(counters.webhooks_unsigned)} with a bad signature`],
    ["Decisions", counters.deliveries_done, `${plural(counters.deliveries_failed, "try", "tries")} failed`],
    ["Mails, codes and tags", counters.effects_done, `${plural(counters.effects_failed, "try", "tries")} failed`],
    ["Needs attention", waiting,
      waiting ? el("a", { href: "#needs-attention" }, seeWhat) : waiting === 0 ? "All is well" : ""],
  ];
  const box = page("counters");
  if (!box.children.length) {
    const tile = ([name]) => el("div", {}, el("dt", {}, name), el("dd", { class: "number" }), el("dd", { class: "more" }));
    box.append(...tiles.map(tile));
  }
  tiles.forEach(([, count, more], index) => {
    const [, shown, told] = box.children[index].children;
    shown.textContent = number(count);
    if (told.textContent !== (more.textContent ?? more)) told.replaceChildren(more);
  });
  box.lastElementChild.classList.toggle("alarm", failed > 0);
  document.title = waiting ? `(${waiting}) Regulars` : "Regulars";
}

function drawStore() {
  const { store, stores } = state;
  page("store-name").textContent = store?.name ?? "No store yet";
  const several = stores.length > 1;
  page("store-name").classList.toggle("unseen", several);
  page("store-picker").hidden = page("counted").hidden = !several;
  const select = page("store-select");
  const options = JSON.stringify(stores.map((each) => [each.domain, each.name]));
  if (select.dataset.says !== options) {
    select.dataset.says = options;
    select.replaceChildren(...stores.map((each) => el("option", { value: each.domain }, each.name)));
  }
  if (store) select.value = store.domain;
  drawPlugins(store);
}

/** The plugins that are on, each with its settings behind it. */
function drawPlugins(store) {
  const box = page("store-plugins");
  const says = JSON.stringify(store && [store.domain, store.plugins.map(titleOf)]);
  if (box.dataset.says === says) return;
  box.dataset.says = says;
  if (!store) return box.replaceChildren();
  const buttons = store.plugins.map((plugin) =>
    el("button", { type: "button", class: "plain", onclick: () => showSettings(plugin) }, titleOf(plugin)));
  const listed = buttons.flatMap((button, index) => (index ? [", ", button] : [button]));
  box.replaceChildren(`${store.domain} · `, ...(buttons.length ? [...listed, " on"] : ["no plugin on"]));
}

function guide() {
  const { store, activity } = state;
  const domain = store?.domain ?? "your-shop.myshopify.com";
  const add = ["Add your shop, with its webhook secret and its access token in files:",
    `regulars store add ${domain} --currency EUR --secret-file secret.txt --token-file token.txt`];
  const enable = ["Switch a plugin on:",
    `regulars plugin install target/plugins/loyalty-points.wasm\nregulars plugin enable ${domain} loyalty-points --grant-all`];
  const send = ["Have the shop send its webhooks, over https, to what the host printed as “listening webhooks”:",
    "https://your-address/webhooks/shopify"];
  if (!store) {
    return ["Three steps to the first points", "Nothing is set up yet. In a terminal on this machine:", [add, enable, send]];
  }
  if (!store.plugins.length) return ["No plugin is switched on", "What comes in is kept, and nobody acts on it.", [enable]];
  if (activity && !activity.events.length) return ["Waiting for the first webhook", "Everything else is ready.", [send]];
  return null;
}

function drawGuide() {
  const told = guide();
  const box = page("guide");
  const says = JSON.stringify(told);
  if (box.dataset.says === says) return;
  box.dataset.says = says;
  box.hidden = told === null;
  if (told === null) return;
  const [title, text, steps] = told;
  page("guide-title").textContent = title;
  page("guide-text").textContent = text;
  page("guide-steps").replaceChildren(...steps.map(([what, command]) => el("li", {}, what, el("pre", {}, command))));
}

function drawActivity() {
  const activity = state.activity ?? { events: [], mails: [], effects: [], customers: [] };
  const effects = new Map([...activity.mails, ...activity.effects].map((effect) => [effect.id, effect]));
  const only = page("only-decisions").checked;
  const events = activity.events.filter((event) => !only || event.deliveries.length || event.unreadable);
  lists.feed.show(events.map((event) => eventRow(event, effects)));
  lists.customers.show(activity.customers.map(customerRow));
  lists.mails.show(activity.mails.map(mailRow));
  lists.codes.show(activity.effects.filter((effect) => codesOf(effect) !== null).map(codeRow));
  lists.attention.show([...state.tasks.map(taskRow), ...state.troubles.map(troubleRow)]);
}

function say(kind, text) {
  const live = page("live");
  if (live.textContent === text) return;
  live.dataset.state = kind;
  live.textContent = text;
}

// ---- Looking ----

async function learnStores() {
  const [stores, plugins] = await Promise.all([api("/stores"), api("/plugins")]);
  state.stores = stores;
  state.titles = new Map(plugins.map((plugin) => [plugin.name, plugin.title]));
  const wanted = decodeURIComponent(location.hash.match(/^#store=(.*)$/)?.[1] ?? "") || state.store?.domain;
  const chosen = stores.find((store) => store.domain === wanted) ?? stores[0] ?? null;
  if (chosen?.domain !== state.store?.domain) {
    Object.assign(state, { activity: null, troubles: [], tasks: [], people: new Map(), subjects: new Map() });
    state.seen = { activity: "", troubles: "" };
    Object.values(lists).forEach((list) => list.forget());
  }
  state.store = chosen;
}

/** A sent mail never changes: its subject is asked for once. */
async function learnSubjects(mails) {
  for (const { id, status } of mails) {
    if (status !== "done" || state.subjects.has(id)) continue;
    try {
      state.subjects.set(id, (await api(`${effectPath(id)}/mail`)).subject);
    } catch (error) {
      // Past its retention: the template's name has to do.
      if (!(error instanceof Refused)) throw error;
      state.subjects.set(id, undefined);
    }
  }
}

async function learnPeople(ids) {
  for (const id of ids) {
    if (!id || state.people.has(id)) continue;
    try {
      state.people.set(id, (await api(customerPath(id))).customer);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      state.people.set(id, null);
    }
  }
}

async function learnActivity() {
  state.activity = await api(ofStore(`activity?limit=${LISTED}`));
  for (const [id, person] of Object.entries(state.activity.people)) state.people.set(id, person);
  state.tasks = await api(ofStore("tasks"));
  await learnPeople(state.tasks.map((task) => task.customer));
  await learnSubjects(state.activity.mails);
}

async function learnTroubles() {
  const [plugins, events, dead, pending] = await Promise.all([
    api(ofStore("plugins")),
    api(ofStore("events?failed=true&limit=50")),
    api(ofStore("effects?status=dead&limit=50")),
    api(ofStore("effects?status=pending&limit=50")),
  ]);
  const effects = [...dead, ...pending.filter((effect) => effect.attempts > 0)];
  await learnPeople([...events, ...effects].map((each) => each.customer));
  state.troubles = troublesOf(plugins, events, effects);
}

/** Looks at the counters, and at the rest only where they have moved. */
async function lookOnce() {
  if (state.looks++ % STORES_EVERY === 0) await learnStores();
  const { counters } = await api("/status");
  if (state.store) {
    const { seen } = state;
    const moved = JSON.stringify(counters);
    // Once more after the last change: what was counted may show only a moment later.
    if (moved !== seen.activity || seen.unsettled) {
      await learnActivity();
      seen.unsettled = moved !== seen.activity;
      seen.activity = moved;
    }
    // While something has failed, whatever is done may be what had failed.
    const failures = ["deliveries_failed", "deliveries_dead", "events_unreadable", "effects_failed", "effects_dead",
      "plugins_paused"];
    const telling = state.troubles.length ? [...failures, "deliveries_done", "effects_done"] : failures;
    const changes = JSON.stringify(telling.map((name) => counters[name]));
    if (changes !== seen.troubles) {
      await learnTroubles();
      seen.troubles = changes;
    }
  }
  drawStore();
  drawCounters(counters);
  drawGuide();
  drawActivity();
}

let looking = null;

/** One look at a time. */
function look() {
  looking ??= lookOnce()
    .then(
      () => say("live", "Live"),
      (error) => say("away", error instanceof Refused ? capital(error.message) : "No answer from the host, trying again"),
    )
    .finally(() => (looking = null));
  return looking;
}

async function keepLooking() {
  for (;;) {
    if (document.hidden) {
      say("paused", "Paused");
      await new Promise((seen) => document.addEventListener("visibilitychange", seen, { once: true }));
    }
    await look();
    await new Promise((wake) => setTimeout(wake, LOOK_EVERY));
  }
}

page("dialog-close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (click) => click.target === dialog && dialog.close());
dialog.addEventListener("close", () => page("dialog-body").replaceChildren());
page("store-select").addEventListener("change", ({ target }) => {
  location.hash = `store=${encodeURIComponent(target.value)}`;
});
page("only-decisions").addEventListener("change", () => {
  lists.feed.box.scrollTop = 0;
  drawActivity();
});
addEventListener("hashchange", () => {
  // The other hashes are places on the page.
  if (location.hash.startsWith("#store=")) state.looks = 0;
});

drawCounters({});
keepLooking();
