// What the store was before it was added: how far it has been read, and what is missing.

import { ofStore, state } from "./host.js";
import { page } from "./list.js";
import { moment, plural } from "./words.js";

/** What is missing of the store's past, and what helps. */
export function historyTroubles() {
  const { history } = state;
  const isRead = history && !["reading", "waiting"].includes(history.status);
  return (isRead ? history.notes : []).map(({ what, remedy }) => ({
    key: `history ${what}`,
    title: what,
    reason: remedy,
    standing: "history",
    verb: "Read again",
    path: ofStore("history"),
    body: {},
  }));
}

export function drawHistory() {
  const { history } = state;
  const read = history && `${plural(history.customers.found, "customer")}, ${plural(history.orders.found, "order")} and ` +
    `${plural(history.refunds.found, "refund")} from before the shop was added`;
  const told = {
    waiting: "The shop’s past is about to be read.",
    reading: `Reading the shop’s past: ${read} so far.`,
    read: `Known of the shop’s past: ${read}${history?.since ? `, since ${moment(history.since)}` : ""}.`,
  }[history?.status];
  const box = page("history");
  box.hidden = !told;
  if (told && box.textContent !== told) box.textContent = told;
}
