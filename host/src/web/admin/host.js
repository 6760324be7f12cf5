// What the page knows of the host: the JSON API, the store that is looked at, and the names of what is in it.

import { effectName, headline, personName } from "./words.js";

export const state = {
  stores: [],
  /** The installed plugins. */
  plugins: [],
  /** The plugins that are on in the store, by name. */
  enabled: new Map(),
  store: null,
  activity: null,
  /** What is known of customers by id, also of those whom the latest activity no longer names. */
  people: new Map(),
  /** Subjects of mails by effect. */
  subjects: new Map(),
  /** What has failed; null until it has been asked for. */
  troubles: null,
  /** What plugins ask to be decided. */
  tasks: [],
  /** What the store was before it was added, as far as it has been read. */
  history: null,
  /** The counters as they were when the activity and the troubles were last asked for. */
  seen: { activity: "", troubles: "" },
  looks: 0,
};

// ---- The API ----

/** The host has answered, and says no; `problems` are those of settings, by path. */
export class Refused extends Error {
  constructor({ detail, problems = [] }, status) {
    super(detail ?? `the answer was ${status}`);
    this.problems = problems;
  }
}

/** The page stands in a shop's own admin, and is for that one store: its API has another address. */
export const isEmbedded = document.documentElement.dataset.api !== undefined;
const API = document.documentElement.dataset.api ?? "/v1";

export async function api(path, body, { method = "POST", parse = JSON.parse } = {}) {
  const sent = { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const options = { cache: "no-store", signal: AbortSignal.timeout(10_000), ...(body === undefined ? {} : sent) };
  const response = await fetch(`${API}${path}`, options);
  const answer = parse(await response.text());
  if (!response.ok) throw new Refused(answer, response.status);
  return answer;
}

export const ofStore = (path) => `/stores/${encodeURIComponent(state.store.domain)}/${path}`;
export const pluginPath = (name) => ofStore(`plugins/${encodeURIComponent(name)}`);
export const eventPath = (id) => ofStore(`events/${id.split("/").map(encodeURIComponent).join("/")}`);
export const effectPath = (id) => ofStore(`effects/${encodeURIComponent(id)}`);
export const customerPath = (id) => ofStore(`customers/${encodeURIComponent(id)}`);

// ---- Names ----

export const nameById = (id) => (id ? (personName(state.people.get(id)) ?? `customer ${id}`) : null);
export const titleOf = (name) => state.plugins.find((plugin) => plugin.name === name)?.title ?? name;
export const orderName = (event) =>
  event.order ? (state.activity?.orders[event.order]?.name ?? event.order) : null;
export const headlineOf = (event) => headline(event, orderName(event));
export const nameOfEffect = (effect) => effectName(effect, state.subjects.get(effect.id));
