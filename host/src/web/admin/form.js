// Settings as a plain form, drawn from their JSON Schema. A field is `{ node, read, tell, at }`: its element, what stands
// in it (undefined where nothing does), a place to tell what is wrong with it, and the field of that name within it.

import { el } from "./list.js";
import { capital, number } from "./words.js";

let drawn = 0;
const newId = () => `setting-${++drawn}`;

/** The words of a choice or a setting that has no title: "half_up" is "Half up". */
const worded = (name) => capital(String(name).replaceAll(/[_-]/g, " "));

// ---- Texts and what they mean ----

const signs = new Intl.NumberFormat().formatToParts(1234567.5);
const [decimalSign, groupSign] = ["decimal", "group"].map((type) => signs.find((part) => part.type === type)?.value);
const isDecimal = (schema) => schema.format === "money" || schema.format === "decimal";

/** A decimal as the API has it, of one that is written as people here do: "1,000.50", "1.000,50", "5,00 €". */
export function plainDecimal(text) {
  const bare = text.replaceAll(/[\s'’]|\p{Sc}|[A-Z]{3}/gu, "");
  const marks = bare.match(/[.,]/g) ?? [];
  if (!/^[0-9.,]*[0-9]$/.test(bare) || marks.length === 0) return bare;
  const last = marks.at(-1);
  const isGroup = (mark) => marks.filter((each) => each === mark).length > 1
    || (mark === groupSign && mark !== decimalSign && /[.,][0-9]{3}$/.test(bare));
  const isGrouped = new Set(marks).size === 1 && isGroup(last);
  const at = isGrouped ? bare.length : bare.lastIndexOf(last);
  const [whole, fraction] = [bare.slice(0, at).replaceAll(/[.,]/g, ""), bare.slice(at + 1)];
  return fraction ? `${whole}.${fraction}` : whole;
}

/** What a text means for a setting that is one value; undefined where nothing is said. */
function meant(schema, text) {
  const bare = text.trim();
  if (bare === "") return schema.default === undefined ? undefined : "";
  if (["integer", "number"].includes(schema.type)) {
    const plain = plainDecimal(bare);
    return /^-?\d+(\.\d+)?$/.test(plain) ? Number(plain) : bare;
  }
  return isDecimal(schema) ? plainDecimal(bare) : bare;
}

/** A value as people here write it. */
function written(schema, value) {
  if (value === undefined) return "";
  return isDecimal(schema) ? String(value).replace(".", decimalSign) : String(value);
}

function told(schema, value) {
  if (typeof value === "boolean") return value ? "on" : "off";
  if (Array.isArray(value)) return value.map((each) => told(schema.items, each)).join(", ") || "none";
  if (typeof value === "object") return JSON.stringify(value);
  return schema.enum ? worded(value) : written(schema, value) || "empty";
}

/** What is wrong, in the words of the form: the API's are those of JSON Schema. */
function complaint(schema, value, message) {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems } = schema;
  if (schema.enum) return "Choose one.";
  if (["integer", "number"].includes(schema.type)) {
    const range = [
      minimum !== undefined && `from ${number(minimum)}`,
      maximum !== undefined && `${minimum === undefined ? "up " : ""}to ${number(maximum)}`,
    ].filter(Boolean);
    return ["Write a", schema.type === "integer" && "whole", "number", ...range].filter(Boolean).join(" ") + ".";
  }
  if (schema.format === "money") return `Write an amount, such as ${written(schema, "12.50")}.`;
  if (schema.format === "decimal") return `Write a number, such as ${written(schema, "2.5")}.`;
  if (schema.type === "string" && !value && (minLength > 0 || schema.default === undefined)) return "Fill this in.";
  if (value?.length > maxLength) return `At most ${number(maxLength)} characters.`;
  if (schema.type === "string" && schema.pattern) return "It cannot be written like this.";
  if (schema.type === "array" && value?.length > maxItems) return `At most ${number(maxItems)}.`;
  if (schema.type === "array" && (value?.length ?? 0) < minItems) return `At least ${number(minItems)}.`;
  if (schema.minProperties) return `Fill in at least ${number(schema.minProperties)} of these.`;
  return `${capital(message)}.`;
}

// ---- Fields of one value ----

/** The place below a field where it says what is wrong. */
function problemPlace(id) {
  const node = el("p", { id: `${id}-problem`, class: "problem" });
  node.hidden = true;
  const tell = (text) => {
    node.hidden = text === null;
    node.textContent = text ?? "";
  };
  return { node, tell };
}

/** A field with its title and description before it, and its default where something else stands there. */
function row(schema, title, input, read, unit) {
  const id = newId();
  const place = problemPlace(id);
  const usual = el("span", { class: "default" });
  input.id = id;
  input.setAttribute("aria-describedby", `${id}-about ${id}-problem`);
  const node = el("div", { class: "field" },
    el("div", {},
      el("label", { for: id }, title),
      el("p", { id: `${id}-about`, class: "quiet small" }, schema.description, " ", usual)),
    el("div", {}, el("div", { class: "control" }, input, unit && el("span", { class: "quiet" }, unit)), place.node));
  const compare = () => {
    const differs = schema.default !== undefined && JSON.stringify(read()) !== JSON.stringify(schema.default);
    usual.textContent = differs ? `Default: ${told(schema, schema.default)}` : "";
  };
  input.addEventListener("input", () => {
    compare();
    tell(null);
  });
  compare();
  const tell = (message) => {
    const text = message === null ? null : complaint(schema, read(), message);
    place.tell(text);
    if (text === null) input.removeAttribute("aria-invalid");
    else input.setAttribute("aria-invalid", "true");
  };
  return { node, read, tell, at: () => undefined };
}

function tick(schema, title, value) {
  const box = el("input", { type: "checkbox" });
  box.checked = value === true;
  // One that has no default is said only where it is ticked.
  return row(schema, title, box, () => (box.checked || schema.default !== undefined ? box.checked : undefined));
}

function choice(schema, title, value) {
  const none = value === undefined ? [el("option", { value: "" }, "Choose …")] : [];
  const options = schema.enum.map((each) => el("option", { value: JSON.stringify(each) }, worded(each)));
  const select = el("select", {}, ...none, ...options);
  select.value = value === undefined ? "" : JSON.stringify(value);
  return row(schema, title, select, () => (select.value === "" ? undefined : JSON.parse(select.value)));
}

function line(schema, title, value, currency) {
  const isNumber = ["integer", "number"].includes(schema.type);
  const inputmode = isDecimal(schema) ? "decimal" : isNumber ? "numeric" : undefined;
  const input = el("input", { type: "text", inputmode, autocomplete: "off", class: inputmode && "figure" });
  input.value = written(schema, value);
  return row(schema, title, input, () => meant(schema, input.value), schema.format === "money" ? currency : undefined);
}

/** A list of plain values, one on each line. */
function lines(schema, title, value) {
  const input = el("textarea", { rows: Math.min(Math.max(value?.length ?? 0, 1) + 1, 6), spellcheck: "false" });
  input.value = (value ?? []).map((each) => written(schema.items, each)).join("\n");
  const read = () => {
    const said = input.value.split("\n").filter((each) => each.trim() !== "").map((each) => meant(schema.items, each));
    return said.length || schema.default !== undefined ? said : undefined;
  };
  const about = [schema.description, "One on each line."].filter(Boolean).join(" ");
  const field = row({ ...schema, description: about }, title, input, read);
  const place = field.node.querySelector(".problem");
  const at = (index) => ({
    ...field,
    tell: (message) => {
      field.tell(message);
      if (message === null) return;
      const wrong = read()?.[index];
      place.textContent = `“${wrong}”: ${complaint(schema.items, wrong, message)}`;
    },
  });
  return { ...field, at };
}

/** What no other field can show, as JSON. */
function raw(schema, title, value) {
  const input = el("textarea", { rows: 4, spellcheck: "false", class: "code" });
  input.value = value === undefined ? "" : JSON.stringify(value, null, 2);
  return row(schema, title, input, () => {
    try {
      return input.value.trim() === "" ? undefined : JSON.parse(input.value);
    } catch {
      return input.value;
    }
  });
}

// ---- Fields of several values ----

/** A frame around fields, and a place to tell what is wrong with what `read` finds in them. */
function framed(schema, title, read, ...content) {
  const id = newId();
  const place = problemPlace(id);
  const about = schema.description && el("p", { id: `${id}-about`, class: "quiet small" }, schema.description);
  const node = el("fieldset", { "aria-describedby": `${id}-about ${id}-problem` },
    el("legend", {}, title), about, ...content, place.node);
  return { node, read, tell: (message) => place.tell(message && complaint(schema, read(), message)) };
}

/** A list of which each may be ticked or not. */
function choices(schema, title, value) {
  const boxes = schema.items.enum.map((each) => {
    const box = el("input", { type: "checkbox" });
    box.checked = value?.includes(each) ?? false;
    return [each, box];
  });
  const labels = boxes.map(([each, box]) => el("label", { class: "toggle" }, box, worded(each)));
  const read = () => boxes.filter(([, box]) => box.checked).map(([each]) => each);
  return { ...framed(schema, title, read, el("div", { class: "choices" }, ...labels)), at: () => undefined };
}

function fieldsOf(schema, value, currency) {
  const named = Object.entries(schema.properties ?? {}).sort(([, a], [, b]) => a.propertyOrder - b.propertyOrder);
  const field = ([name, each]) => [name, fieldOf(each, each.title ?? worded(name), value?.[name], currency)];
  return new Map(named.map(field));
}

function readAll(fields) {
  const read = [...fields].map(([name, field]) => [name, field.read()]);
  return Object.fromEntries(read.filter(([, value]) => value !== undefined));
}

function group(schema, title, value, currency) {
  const fields = fieldsOf(schema, value, currency);
  const nodes = [...fields.values()].map((field) => field.node);
  return { ...framed(schema, title, () => readAll(fields), ...nodes), at: (name) => fields.get(name) };
}

/** What an entry of a list is called: by what it calls itself. */
function nameOf(value, index) {
  const named = value.title || value.name || Object.values(value).find((each) => typeof each === "string" && each);
  return named || `Number ${index + 1}`;
}

function entry(schema, value, currency) {
  const fields = fieldsOf(schema, value, currency);
  const place = problemPlace(newId());
  const summary = el("summary", {});
  const up = el("button", { type: "button", class: "again" }, "Move up");
  const remove = el("button", { type: "button", class: "again" }, "Remove");
  const details = el("details", {}, summary, ...[...fields.values()].map((field) => field.node), place.node,
    el("div", { class: "buttons" }, up, remove));
  const read = () => readAll(fields);
  const tell = (message) => {
    if (message !== null) details.open = true;
    place.tell(message && complaint(schema, read(), message));
  };
  const at = (name) => {
    details.open = true;
    return fields.get(name);
  };
  const name = (index) => {
    const called = nameOf(read(), index);
    summary.textContent = called;
    up.disabled = index === 0;
    up.setAttribute("aria-label", `Move up: ${called}`);
    remove.setAttribute("aria-label", `Remove: ${called}`);
  };
  return { node: el("li", {}, details), details, up, remove, fields, read, tell, at, name };
}

/** A list of entries of several values each, in an order that counts. */
function list(schema, title, value, currency) {
  let entries = [];
  const box = el("ol", { class: "entries" });
  const addButton = el("button", { type: "button", class: "again" }, "Add one");
  addButton.setAttribute("aria-label", `Add one: ${title}`);
  const read = () => (entries.length || schema.default !== undefined ? entries.map((each) => each.read()) : undefined);
  const field = framed(schema, title, read, box, addButton);
  const order = () => {
    box.replaceChildren(...entries.map((each) => each.node));
    entries.forEach((each, index) => each.name(index));
    addButton.disabled = entries.length >= (schema.maxItems ?? Infinity);
  };
  const add = (said) => {
    const one = entry(schema.items, said, currency);
    one.up.addEventListener("click", () => {
      const at = entries.indexOf(one);
      entries.splice(at - 1, 0, ...entries.splice(at, 1));
      order();
      (one.up.disabled ? one.remove : one.up).focus();
    });
    one.remove.addEventListener("click", () => {
      entries = entries.filter((each) => each !== one);
      order();
      addButton.focus();
    });
    one.details.addEventListener("input", () => one.name(entries.indexOf(one)));
    entries.push(one);
    return one;
  };
  (value ?? []).forEach(add);
  order();
  addButton.addEventListener("click", () => {
    const one = add({});
    order();
    one.details.open = true;
    one.details.querySelector("input, select, textarea")?.focus();
  });
  return { ...field, at: (index) => entries[index] };
}

function fieldOf(schema, title, given, currency) {
  const value = given === undefined ? schema.default : given;
  if (schema.properties) return group(schema, title, value, currency);
  if (schema.enum) return choice(schema, title, value);
  if (schema.type === "array") {
    if (schema.items?.properties) return list(schema, title, value, currency);
    if (schema.items?.enum && schema.uniqueItems) return choices(schema, title, value);
    if (["string", "integer", "number"].includes(schema.items?.type)) return lines(schema, title, value);
  }
  if (schema.type === "boolean") return tick(schema, title, value);
  if (["string", "integer", "number"].includes(schema.type)) return line(schema, title, value, currency);
  return raw(schema, title, value);
}

// ---- The form ----

/** The schema with its choices in descriptions as they read in the form: "half_up" as "Half up". */
function inWords(schema) {
  const choices = new Set();
  JSON.stringify(schema, (key, value) => {
    if (key === "enum") value.filter((each) => String(each).includes("_")).forEach((each) => choices.add(each));
    return value;
  });
  const said = (text) => text.replaceAll(/[a-z]+(_[a-z]+)+/g, (name) => (choices.has(name) ? worded(name) : name));
  const reword = (key, value) => (key === "description" && typeof value === "string" ? said(value) : value);
  return JSON.parse(JSON.stringify(schema), reword);
}

const unescaped = (name) => name.replaceAll("~1", "/").replaceAll("~0", "~");

/**
 * A form for settings that follow a schema: `read()` gives them back, `tell(problems)` shows each problem at its field,
 * leads to the first, and returns those that no field is for.
 */
export function settingsForm(schema, settings, currency) {
  const fields = fieldsOf(inWords(schema), settings, currency);
  const node = el("div", { class: "settings" }, ...[...fields.values()].map((field) => field.node));
  const find = (path) => {
    const [first, ...rest] = path.split("/").slice(1).map(unescaped);
    return rest.reduce((field, name) => field?.at(name) ?? field, fields.get(first));
  };
  const tell = (problems) => {
    const homeless = [];
    for (const problem of problems) {
      const field = find(problem.path);
      if (field) field.tell(problem.message);
      else homeless.push(problem);
    }
    const wrong = node.querySelector("[aria-invalid], .problem:not([hidden])");
    wrong?.closest("details")?.setAttribute("open", "");
    const within = "[aria-invalid], input, select, textarea, button";
    (wrong?.matches(within) ? wrong : wrong?.parentElement.querySelector(within))?.focus();
    return homeless;
  };
  const forget = () => {
    for (const place of node.querySelectorAll(".problem")) place.hidden = true;
    for (const input of node.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  };
  return { node, read: () => readAll(fields), tell, forget };
}
