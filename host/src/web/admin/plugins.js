// The plugins: which there are, which are on, and for each what it may do, its settings and their earlier versions.

import { dialog, isShown, say, showAsked, showButtons } from "./closely.js";
import { settingsForm } from "./form.js";
import { Refused, api, pluginPath, state } from "./host.js";
import { List, el, page } from "./list.js";
import { askFor, lackingFor } from "./scopes.js";
import { capital, mayDo, moment, plural } from "./words.js";

/** What has been written into forms and not saved, by store and plugin: it is there again when the plugin is. */
const drafts = new Map();
/** The form that is open. */
let open = null;

const draftKey = (name) => `${state.store.domain} ${name}`;

/** Keeps what is written in the open form, if it is not what is saved. */
function keepDraft() {
  if (!open) return;
  const { key, form, saved } = open;
  const written = form.read();
  if (JSON.stringify(written) === saved) drafts.delete(key);
  else drafts.set(key, written);
}

dialog.addEventListener("close", () => {
  keepDraft();
  open = null;
});
addEventListener("beforeunload", (leaving) => {
  keepDraft();
  if (drafts.size) leaving.preventDefault();
});

// ---- All of them ----

const cards = new List("plugins", () => "");

/** Draws the plugins; `changed` is called when one has been. */
export function drawPlugins(changed) {
  const plugins = state.store ? state.plugins : [];
  page("plugins-title").parentElement.hidden = plugins.length === 0;
  cards.show(plugins.map((plugin) => card(plugin, changed)));
}

function card(plugin, changed) {
  const { name, title, summary } = plugin;
  const status = state.enabled.get(name)?.status ?? "off";
  const kinds = { working: "done", paused: "dead", "catching up": "pending" };
  const onclick = () => showPlugin(plugin, changed);
  return {
    key: name,
    kind: "plugin",
    says: JSON.stringify([title, summary, status]),
    draw: () => [
      el("div", { class: "line" },
        el("button", { type: "button", class: "open grow", onclick }, title),
        el("span", { class: "tag", "data-kind": kinds[status] }, status === "working" ? "on" : status)),
      el("p", { class: "quiet small" }, summary),
      el("p", { class: "small more", "aria-hidden": "true" }, status === "off" ? "Switch on" : "Settings"),
    ],
  };
}

// ---- One of them ----

/** Shows a plugin. `told` is what has just been done; a `form` that stays holds what is saved now. */
async function showPlugin(plugin, changed, told = "", form = null) {
  keepDraft();
  open = null;
  say("");
  const key = draftKey(plugin.name);
  let shown = null;
  await showAsked(plugin.title, async () => {
    const [{ settings, schema, version, versions }, lacking] = await Promise.all([
      api(`${pluginPath(plugin.name)}/settings`),
      lackingFor(plugin),
    ]);
    const enabled = state.enabled.get(plugin.name);
    const draft = drafts.get(key);
    const drawn = (values) => settingsForm(schema, values, state.store.currency);
    // Whoever has left it meanwhile is not brought back.
    const again = async (...done) => isShown(plugin.title) && showPlugin(plugin, changed, ...done);
    const at = { plugin, changed, enabled, form: form ?? drawn(draft ?? settings), again };
    shown = { at, saved: JSON.stringify(form ? form.read() : drawn(settings).read()) };
    const earlier = versions.filter((each) => each.version !== version);
    return [
      el("p", { class: "lead" }, plugin.summary),
      enabled?.paused && pausedNotice(at),
      ...(enabled?.warnings ?? []).map((warning) => notice(capital(warning))),
      enabled && lacking.length > 0 && lackingNotice(at, lacking),
      el("h3", {}, enabled ? "It may" : "By switching it on you agree that it may"),
      plugin.capabilities.length
        ? el("ul", { class: "may" }, ...plugin.capabilities.map((each) => el("li", {}, mayDo(each))))
        : el("p", {}, "do nothing outside of itself"),
      el("h3", {}, "Settings"),
      draft && draftNotice(at, key),
      at.form.node.children.length ? at.form.node : el("p", { class: "quiet" }, "It has none."),
      earlier.length > 0 && history(at, earlier),
    ];
  });
  if (!shown || !dialog.open) return;
  open = { key, form: shown.at.form, saved: shown.saved };
  showButtons(...buttonsOf(shown.at));
  say(told);
}

const notice = (text, ...buttons) => el("div", { class: "notice" }, el("p", {}, text), ...buttons);
const button = (verb, onclick, kind = "again") => el("button", { type: "button", class: kind, onclick }, verb);

function pausedNotice({ plugin, changed, again, enabled: { status, paused } }) {
  const waiting = `${plural(paused.waiting, "event")} ${paused.waiting === 1 ? "waits" : "wait"}`;
  if (status !== "paused") return notice(`It is catching up with what waited while it was paused: ${waiting} still.`);
  const resume = doing(async () => {
    await api(`${pluginPath(plugin.name)}/resume`, {});
    await changed();
    await again("It goes on, with what waited first.");
  });
  const why = `It is paused since ${moment(paused.since)}: ${paused.reason}. ${waiting}.`;
  return notice(why, button("Let it go on", resume));
}

function lackingNotice({ plugin, again }, lacking) {
  const told = `You have not allowed everything that it can do. ${lacking.map((each) => each.lacking).join(" ")}`;
  const ask = doing(async () => {
    await askFor(plugin);
    await again();
  });
  return notice(told, ...(lacking.some((each) => each.canAsk) ? [button("Allow it", ask)] : []));
}

function draftNotice({ again }, key) {
  const discard = () => {
    drafts.delete(key);
    open = null;
    again("Here is what is saved.");
  };
  return notice("You have changed something here and not saved it yet.", button("Discard", discard));
}

/** What a button does, told beside the buttons where it fails. */
function doing(act) {
  return async ({ currentTarget: pressed }) => {
    pressed.disabled = true;
    try {
      await act();
    } catch (error) {
      say(capital(error.message), "bad");
    }
    pressed.disabled = false;
    if (document.activeElement === document.body) pressed.focus();
  };
}

function buttonsOf(at) {
  if (!at.enabled) return [button("Switch on", doing(() => switchOn(at)), "first")];
  const off = button("Switch off", (click) => {
    if (off.dataset.sure) return switchOff(at)(click);
    off.dataset.sure = "yes";
    off.textContent = "Yes, switch it off";
    say("Are you sure? What it has noted of customers stays, for when it is on again.", "bad");
  });
  return [off, button("Save", doing(() => save(at)), "first")];
}

const switchOff = ({ plugin, changed, again }) => doing(async () => {
  await api(pluginPath(plugin.name), null, { method: "DELETE" });
  await changed();
  await again("It is off.");
});

/** Sends the settings in the form; tells what is wrong with them at their fields. */
async function send({ form }, path, body) {
  form.forget();
  try {
    return await api(path, body, { method: "PUT" });
  } catch (error) {
    if (!(error instanceof Refused) || !error.problems.length) throw error;
    const homeless = form.tell(error.problems);
    const count = error.problems.length;
    const wrong = `${plural(count, "setting")} ${count === 1 ? "has" : "have"} to be written otherwise.`;
    say([wrong, ...homeless.map((problem) => `${problem.path.slice(1)}: ${problem.message}.`)].join(" "), "bad");
    return null;
  }
}

/** What is in the form is what is saved now. */
async function settled({ plugin, form, changed, again }, told) {
  drafts.delete(draftKey(plugin.name));
  open = null;
  await changed();
  await again(told, form);
}

async function save(at) {
  const answer = await send(at, `${pluginPath(at.plugin.name)}/settings`, at.form.read());
  if (answer) await settled(at, `Saved. Version ${answer.version} is in force.`);
}

/** The merchant agrees to all that the plugin may do; what Shopify asks them besides they may refuse. */
async function switchOn(at) {
  await askFor(at.plugin);
  const body = { grants: at.plugin.capabilities, settings: at.form.read() };
  if (await send(at, pluginPath(at.plugin.name), body)) await settled(at, "It is on.");
}

/** The versions that there have been, each to be brought back as a new one. */
function history({ plugin, changed, again }, versions) {
  const changedIn = (paths) =>
    paths.length > 6 ? plural(paths.length, "setting") : paths.map((path) => path.slice(1)).join(", ");
  const rows = versions.toReversed().map((each) => {
    const back = doing(async () => {
      const { version } = await api(`${pluginPath(plugin.name)}/settings/${each.version}/revert`, {});
      open = null;
      drafts.delete(draftKey(plugin.name));
      await changed();
      await again(`Version ${each.version} is in force again, as version ${version}.`);
    });
    const verb = button("Bring back", back);
    verb.setAttribute("aria-label", `Bring back version ${each.version}`);
    return el("li", {}, el("time", {}, moment(each.saved_at)),
      el("span", {}, `Version ${each.version}: ${changedIn(each.changed) || "the first"}`), verb);
  });
  return el("details", {}, el("summary", {}, "Earlier versions"), el("ol", { class: "ledger" }, ...rows));
}
