// What the page says: the API's records in the words of people who run a shop. Nothing here touches the page.

export const number = (value) => (value === undefined || Number.isNaN(value) ? "–" : Number(value).toLocaleString());
export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
export const moment = (ms) => new Date(ms).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
export const minute = (ms) => new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });

/** The time of a thing of today, the day of an older one. */
export function clock(ms) {
  const date = new Date(ms);
  return date.toDateString() === new Date().toDateString()
    ? date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false })
    : date.toLocaleDateString([], { day: "numeric", month: "short" });
}

export function money({ minor, currency }) {
  const format = new Intl.NumberFormat([], { style: "currency", currency });
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}

export const personName = (person) =>
  [person?.first_name, person?.last_name].filter(Boolean).join(" ") || person?.email || null;

/** What came in, by topic; `{}` is the order. */
const CAME_IN = {
  "order.placed": "{} placed",
  "order.paid": "{} paid",
  "order.updated": "{} updated",
  "order.edited": "{} edited",
  "order.cancelled": "{} cancelled",
  "order.deleted": "{} deleted",
  "order.fulfilled": "{} sent out",
  "order.refunded": "Refund on {}",
  "customer.created": "New customer",
  "customer.updated": "Customer details updated",
  "customer.deleted": "Customer deleted",
  "customer.merged": "Two customers merged",
  "customer.consent": "Consent to mail changed",
  "fulfillment.created": "Parcel for {}",
  "fulfillment.updated": "Parcel for {} updated",
  "checkout.created": "Checkout begun",
  "checkout.updated": "Checkout updated",
  "checkout.deleted": "Checkout ended",
  "timer.fired": "A plugin's timer",
  "order.disputed": "Dispute on {}",
  "customer.redacted": "Customer forgotten",
  "product.updated": "Product updated",
  "product.deleted": "Product deleted",
  "effect.failed": "A mail, code or tag failed for good",
  "effect.done": "A mail, code or gift is done",
  "shopper.action": "Request by a shopper",
  "merchant.action": "Request by the shop",
  "link.visited": "Shared link followed",
  "settings.published": "Settings saved",
};

/** An event in a few words; `order` is the name that shoppers know its order by. */
export function headline(event, order) {
  const topic = event.platform_topic ?? event.topic;
  if (event.unreadable) return `${topic} could not be read`;
  const text = CAME_IN[event.topic] ?? topic;
  return capital(text.replace("{}", order ? `order ${order}` : "an order"));
}

/**
 * A note as a sentence, and the fields that are not in it. A number of points goes before the word, an order's name
 * where the order is spoken of: "Points earned" becomes "38 points earned for order #1042".
 */
export function sentence(note) {
  const fields = new Map(note.fields);
  const points = Number(fields.get("points"));
  const order = fields.get("order");
  let text = note.reason;
  if (points === 0) fields.delete("points");
  if (Number.isInteger(points) && points !== 0 && /\bpoints\b/i.test(text) && !/^(no|nothing)\b/i.test(text)) {
    text = `${number(Math.abs(points))} ${text.charAt(0).toLowerCase()}${text.slice(1)}`;
    if (Math.abs(points) === 1) text = text.replace(/\bpoints\b/, "point");
    if (order !== undefined && !/\border\b/.test(text)) text += " for the order";
    fields.delete("points");
  }
  const named = /\bthe (cancelled )?order\b/;
  if (order !== undefined && named.test(text)) {
    text = text.replace(named, (_, cancelled = "") => `${cancelled}order ${order}`);
    fields.delete("order");
  }
  return { text, fields: [...fields] };
}

const movesPoints = (note) => note.fields.some(([name, value]) => name === "points" && Number(value) !== 0);

/** How a delivery ended: `acted`, `idle`, `waiting`, `retrying` or `dead`, with the reason and the time where there is one. */
export function outcomeOf(delivery) {
  if (delivery.outcome === "done") {
    return { kind: delivery.effects.length || delivery.notes.some(movesPoints) ? "acted" : "idle" };
  }
  const [[kind, told]] = Object.entries(delivery.outcome);
  return { kind, ...told };
}

export const hasFailed = (delivery) => ["dead", "retrying"].includes(outcomeOf(delivery).kind);

/** What a plugin decided and why. */
export function decision(delivery) {
  const outcome = outcomeOf(delivery);
  if (outcome.kind === "dead") return `Given up after ${plural(delivery.attempt, "try", "tries")}: ${outcome.reason}`;
  if (outcome.kind === "retrying") return `Failed, to be tried again: ${outcome.reason}`;
  if (outcome.kind === "waiting") return `Waiting: ${outcome.reason}`;
  return delivery.notes.map((note) => sentence(note).text).join("; ") || "Handled without a note";
}

/** What a code is worth. */
export function worth(benefit) {
  if (benefit.Amount) return `${money(benefit.Amount)} off`;
  if (benefit.BasisPoints) return `${number(benefit.BasisPoints / 100)} % off`;
  return benefit === "FreeShipping" ? "free shipping" : "a free product";
}

const EFFECT_STATUS = {
  mail: { pending: "waiting", done: "sent", dead: "not sent", dropped: "not needed" },
  "discount.create": { pending: "being made", done: "ready", dead: "not made", dropped: "not needed" },
  "discount.create-many": { pending: "being made", done: "ready", dead: "not all made", dropped: "not needed" },
};
const OTHER_STATUS = { pending: "waiting", done: "done", dead: "not done", dropped: "not needed" };

export const effectStatus = (effect) => (EFFECT_STATUS[effect.kind] ?? OTHER_STATUS)[effect.status] ?? effect.status;

const EFFECT_KIND = {
  mail: "mail",
  "discount.create": "code",
  "discount.create-many": "codes",
  "discount.disable": "end of a code",
  "tags.change": "tags",
  "store-credit.change": "store credit",
  "gift-card.create": "gift card",
  "order.note": "order note",
  "order.tags": "order tags",
  "order.gift": "gift in the parcel",
  "order.ship-by": "time to send by",
  "metafield.set": "value at the shop",
  "birthday.set": "birthday",
  "consent.set": "newsletter",
};

/** What a plugin may do, by capability, after "it may". */
const MAY = {
  mail: "write mails to customers",
  discounts: "make discount codes, and end them",
  "store-credit": "give store credit, and take it back",
  "gift-cards": "make gift cards",
  tags: "change customers' tags",
  orders: "add notes, tags and gifts to orders",
  metafields: "show values on customers in the shop",
  birthdays: "read and set customers' birthdays",
  identity: "learn whether two customers may be one person",
  links: "give customers links to share",
  tasks: "ask you to decide",
};

export const mayDo = (capability) => MAY[capability] ?? capability;

/** What kind of thing an effect is, in the middle of a sentence. */
export const effectKind = (effect) => EFFECT_KIND[effect.kind] ?? effect.kind;

const tagsOf = ({ add, remove }) => [...add.map((tag) => `+${tag}`), ...remove.map((tag) => `−${tag}`)].join(", ");

/** The codes that an effect makes, one or many of the same terms, and their terms; null if it makes none. */
export function codesOf(effect) {
  const { CreateDiscount: one, CreateDiscounts: many } = effect.content;
  const terms = one ?? many?.first;
  return terms ? { terms, codes: [terms.code, ...(many?.others ?? [])] } : null;
}

/** An effect by name; `subject` is that of a mail which has been sent. */
export function effectName(effect, subject) {
  const [content] = Object.values(effect.content);
  if (effect.kind === "mail") return `Mail “${subject ?? capital(content.template)}”`;
  const made = codesOf(effect);
  if (made) {
    const codes = effect.kind === "discount.create" ? `Code ${made.codes[0]}` : plural(made.codes.length, "code");
    return `${codes}, ${worth(made.terms.benefit)}`;
  }
  const about = content.code ?? content.title ?? content.key ?? content.text;
  const told = content.add ? tagsOf(content) : content.amount ? money(content.amount) : about;
  return told ? `${capital(effectKind(effect))}: ${told}` : capital(effectKind(effect));
}

/** Parses JSON; integers that JavaScript's numbers would round, as platforms' ids are, survive `printExactly`. */
export function parseExactly(json) {
  const textOrInteger = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g;
  return JSON.parse(json.replace(textOrInteger, (part) => (part.startsWith('"') ? part : `"\\u0000${part}"`)));
}

export const printExactly = (value) => JSON.stringify(value, null, 2).replace(/"\\u0000(-?\d+)"/g, "$1");
