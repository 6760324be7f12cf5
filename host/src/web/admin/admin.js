// The admin page: asks the JSON API once a second and shows what has changed. What comes from outside enters the page as
// text nodes only; mails stand in sandboxed frames.

import { drawHistory, historyTroubles } from "./history.js";
import { Refused, api, customerPath, effectPath, isEmbedded, ofStore, state } from "./host.js";
import { List, el, page } from "./list.js";
import { drawPlugins } from "./plugins.js";
import { codeRow, customerRow, eventRow, mailRow, taskRow, troubleRow, troublesOf } from "./rows.js";
import { capital, codesOf, number, plural } from "./words.js";

const LOOK_EVERY = 1000;
/** Looks between two that ask for the stores and plugins too. */
const STORES_EVERY = 10;
const LISTED = 60;

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

// ---- The parts of the page ----

const lists = {
  feed: new List("feed", () => page("only-decisions").checked && state.activity.events.length
    ? "No plugin has decided anything lately. Untick “Only decisions” to see all that came in."
    : "Nothing has come in yet. What happens in the shop appears here within seconds, with what plugins decided and why."),
  customers: new List("customers", () => "Customers appear here with their points once something has happened to one."),
  mails: new List("mails", () => "Mails appear here as they were sent, once a plugin that may send mail has a reason to."),
  codes: new List("codes", () => "Discount codes appear here once a customer has redeemed points for one."),
  attention: new List("attention", () =>
    "Nothing has failed, and nothing is to be decided. What a plugin, the mail server or the shop refuses appears here, " +
    "with a button to try it again, and so does what a plugin asks you."),
};

/** What has failed and what is to be decided; undefined until that is known. */
const troubles = () => [...(state.troubles ?? []), ...historyTroubles()];
const waiting = () => (state.troubles === null ? undefined : troubles().length + state.tasks.length);

function drawCounters(counters) {
  const refused = counters.webhooks_unsigned + counters.webhooks_refused + counters.webhooks_failed;
  const failed = state.troubles?.length;
  const count = waiting();
  const seeWhat = failed ? "See what failed" : "See what to decide";
  const tiles = [
    ["Webhooks taken in", counters.webhooks_accepted, `${plural(counters.webhooks_duplicate, "repeat")} ignored`],
    ["Webhooks refused", refused, `${number(counters.webhooks_unsigned)} with a bad signature`],
    ["Decisions", counters.deliveries_done, `${plural(counters.deliveries_failed, "try", "tries")} failed`],
    ["Mails, codes and tags", counters.effects_done, `${plural(counters.effects_failed, "try", "tries")} failed`],
    ["Needs attention", count,
      count ? el("a", { href: "#needs-attention" }, seeWhat) : count === 0 ? "All is well" : ""],
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
}

/** The counters are the host's, for all stores: inside a shop's admin, a link to what needs attention stands for them. */
function drawWaiting() {
  const count = waiting();
  document.title = count ? `(${count}) Regulars` : "Regulars";
  const link = page("waiting");
  link.hidden = !isEmbedded || !count;
  const text = `${number(count)} ${count === 1 ? "needs" : "need"} attention`;
  if (link.textContent !== text) link.textContent = text;
}

function drawStore() {
  const { store, stores } = state;
  page("store-name").textContent = store?.name ?? "No store yet";
  const several = stores.length > 1;
  page("store-name").classList.toggle("unseen", several);
  page("store-picker").hidden = page("counted").hidden = !several;
  page("store-domain").textContent = store?.domain ?? "";
  const select = page("store-select");
  const options = JSON.stringify(stores.map((each) => [each.domain, each.name]));
  if (select.dataset.says !== options) {
    select.dataset.says = options;
    select.replaceChildren(...stores.map((each) => el("option", { value: each.domain }, each.name)));
  }
  if (store) select.value = store.domain;
}

/** What to do next: its title, what to know, and steps on the command line for who runs the host. */
function guide() {
  const { store, plugins, enabled, activity } = state;
  const domain = store?.domain ?? "your-shop.myshopify.com";
  const add = ["Add your shop, with its webhook secret and its access token in files:",
    `regulars store add ${domain} --currency EUR --secret-file secret.txt --token-file token.txt`];
  const install = ["Install a plugin:", "regulars plugin install target/plugins/loyalty-points.wasm"];
  const send = ["Have the shop send its webhooks, over https, to what the host printed as “listening webhooks”:",
    "https://your-address/webhooks/shopify"];
  if (!store) {
    return ["Three steps to the first points", "Nothing is set up yet. In a terminal on this machine:", [add, install, send]];
  }
  if (!plugins.length) {
    return ["No plugin is here yet", "What comes in is kept, and nobody acts on it.", isEmbedded ? [] : [install]];
  }
  if (!enabled.size) {
    const text = "Choose one below: it tells what it does, what it may do, and begins with settings that work as they are. " +
      "What comes in until then is kept, and nobody acts on it.";
    return ["Switch on your first plugin", text, []];
  }
  // That its settings have been saved, a plugin is told before anything comes from the shop.
  if (activity?.events.every((event) => event.topic === "settings.published")) {
    return isEmbedded
      ? ["Waiting for the first order", "Everything is ready. What happens in your shop appears here within seconds.", []]
      : ["Waiting for the first webhook", "Everything else is ready.", [send]];
  }
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
  const tasks = state.tasks.map((task) => taskRow(task, tryAgain));
  lists.attention.show([...tasks, ...troubles().map((trouble) => troubleRow(trouble, tryAgain))]);
}

function say(kind, text) {
  const live = page("live");
  if (live.textContent === text) return;
  live.dataset.state = kind;
  live.textContent = text;
}

// ---- Looking ----

async function learnStores() {
  [state.stores, state.plugins] = await Promise.all([api("/stores"), api("/plugins")]);
  const { stores } = state;
  const wanted = decodeURIComponent(location.hash.match(/^#store=(.*)$/)?.[1] ?? "") || state.store?.domain;
  const chosen = stores.find((store) => store.domain === wanted) ?? stores[0] ?? null;
  if (chosen?.domain !== state.store?.domain) {
    Object.assign(state, { activity: null, troubles: null, tasks: [], people: new Map(), subjects: new Map() });
    state.seen = { activity: "", troubles: "" };
    Object.values(lists).forEach((list) => list.forget());
  }
  state.store = chosen;
  state.history = chosen && await api(ofStore("history"));
  await learnPlugins();
}

async function learnPlugins() {
  const enabled = state.store ? await api(ofStore("plugins")) : [];
  state.enabled = new Map(enabled.map((plugin) => [plugin.name, plugin]));
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
  const [, events, dead, pending] = await Promise.all([
    learnPlugins(),
    api(ofStore("events?failed=true&limit=50")),
    api(ofStore("effects?status=dead&limit=50")),
    api(ofStore("effects?status=pending&limit=50")),
  ]);
  const effects = [...dead, ...pending.filter((effect) => effect.attempts > 0)];
  await learnPeople([...events, ...effects].map((each) => each.customer));
  state.troubles = troublesOf([...state.enabled.values()], events, effects);
}

/** The counters that move where something fails, or where what has failed may have been made good. */
function tellingOfTroubles(counters) {
  // Those of one store tell only that it is time to look.
  if (counters.looks !== undefined) return [counters.looks];
  const failures = ["deliveries_failed", "deliveries_dead", "events_unreadable", "effects_failed", "effects_dead",
    "plugins_paused"];
  const telling = state.troubles?.length ? [...failures, "deliveries_done", "effects_done"] : failures;
  return telling.map((name) => counters[name]);
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
      seen.unsettled = counters.looks === undefined && moved !== seen.activity;
      seen.activity = moved;
    }
    const changes = JSON.stringify(tellingOfTroubles(counters));
    if (changes !== seen.troubles) {
      await learnTroubles();
      seen.troubles = changes;
    }
  }
  drawStore();
  drawCounters(counters);
  drawWaiting();
  drawHistory();
  drawGuide();
  drawPlugins(lookAnew);
  drawActivity();
}

let looking = null;

/** One look at a time. */
function look() {
  looking ??= lookOnce()
    .then(
      () => say("live", "Live"),
      (error) => say("away", error instanceof Refused ? capital(error.message) : "No answer, trying again"),
    )
    .finally(() => (looking = null));
  return looking;
}

/** Looks at everything, after what is being looked at already. */
async function lookAnew() {
  await looking;
  state.looks = 0;
  state.seen = { activity: "", troubles: "" };
  await look();
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
