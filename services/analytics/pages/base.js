// Used by every page: creates elements, sends requests to the API, formats numbers and times.
// Data from the API goes into the page as text, never as markup.

// el("a", {href: "/", class: "x"}, "text", child, [children], null)
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

export const byId = (id) => document.getElementById(id);

// Sets the text only if it has changed, so that a selection of the reader stays.
export function setText(id, text) {
  const node = byId(id);
  if (node.textContent !== text) node.textContent = text;
}

// Returns whether the figures differ from those of the last call for this node.
const drawn = new WeakMap();
export function changed(node, ...figures) {
  const text = JSON.stringify(figures, (_, value) => (typeof value === "bigint" ? String(value) : value));
  if (drawn.get(node) === text) return false;
  drawn.set(node, text);
  return true;
}

export function draw(node, figures, children) {
  if (changed(node, figures)) node.replaceChildren(...[children()].flat());
}

// ---- the API -----------------------------------------------------------------------------------

let clockAhead = 0; // ms that the server's clock is ahead of the browser's; 0 if it is less than 2 s

const ANSWER_WITHIN_MS = 10_000; // from the request to the end of the body

// {status, body}: status 0 if there was no answer in time, body undefined if it was no JSON.
export async function get(path) {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), ANSWER_WITHIN_MS);
  try {
    const answer = await fetch(path,
      { headers: { Accept: "application/json" }, cache: "no-store", signal: limit.signal });
    const date = Date.parse(answer.headers.get("Date"));
    const ahead = date + 500 - Date.now(); // a Date has whole seconds
    clockAhead = Number.isNaN(date) || Math.abs(ahead) < 2000 ? 0 : ahead;
    return { status: answer.status, body: parse(await answer.text()) };
  } catch {
    return { status: 0, body: undefined };
  } finally {
    clearTimeout(timer);
  }
}

// True for each answer of a service, also for one with a status of 4xx.
export const answered = (status) => status !== 0 && status < 500;

// Integers that a double cannot hold exactly become BigInt, in browsers that support this.
export function parse(text) {
  try {
    return JSON.parse(text, (_, value, context) =>
      Number.isInteger(value) && !Number.isSafeInteger(value) && context?.source
        ? BigInt(context.source)
        : value);
  } catch {
    return undefined;
  }
}

export const now = () => Date.now() + clockAhead;

// ---- formats of numbers and times --------------------------------------------------------------

const LOCALE = "en-GB";
const plain = new Intl.NumberFormat(LOCALE);
export const number = (value) => plain.format(value);

// A percentage. A small part is never shown as 0 %, and a part below the whole is never shown as 100 %.
export function share(part, whole) {
  if (!whole) return "–";
  const value = (100 * Number(part)) / Number(whole);
  if (value > 0 && value < 0.1) return "< 0.1 %";
  if (value > 99.9 && value < 100) return "> 99.9 %";
  return `${plain.format(Number(value.toFixed(value < 10 || value > 99 ? 1 : 0)))} %`;
}

// From the currency's minor unit; exact for amounts of any size.
export function money(minor, currency = "KRW") {
  let format;
  try {
    format = new Intl.NumberFormat(LOCALE, { style: "currency", currency, currencyDisplay: "narrowSymbol" });
  } catch {
    return `${number(minor)} ${currency}`;
  }
  const decimals = format.resolvedOptions().maximumFractionDigits;
  if (decimals === 0) return format.format(minor);
  const digits = String(minor).padStart(decimals + 1, "0");
  return format.format(`${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`);
}

// A measured duration: "0.84 ms", "23.4 ms", "312 ms", "1.2 s", "3 min 5 s".
export function duration(ms) {
  if (ms < 10) return `${Number(ms.toFixed(2))} ms`;
  if (ms < 100) return `${Number(ms.toFixed(1))} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${Number((ms / 1000).toFixed(1))} s`;
  return age(ms);
}

// A duration that still grows: "12 s", "3 min 20 s", "2 h 5 min", "3 d 4 h".
export function age(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [minutes, hours, days] = [60, 3600, 86_400].map((unit) => Math.floor(seconds / unit));
  if (minutes < 1) return `${seconds} s`;
  if (hours < 1) return seconds % 60 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
  if (days < 1) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return hours % 24 ? `${days} d ${hours % 24} h` : `${days} d`;
}

const clock = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit" });
const exact = new Intl.DateTimeFormat(LOCALE,
  { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
const day = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", year: "numeric" });
export const hour = (instant) => clock.format(new Date(instant));

// <time>, with the date unless it is today; the exact instant is its title.
export function moment(instant, { precise = false } = {}) {
  const date = new Date(instant);
  const today = day.format(date) === day.format(new Date(now()));
  const text = (precise ? exact : clock).format(date);
  return el("time", { datetime: instant, title: instant }, today ? text : `${day.format(date)}, ${text}`);
}

// The time since an instant; the page updates it every second.
export function growing(since) {
  return el("time", { datetime: since, title: `since ${since}`, class: "age", "data-since": since },
    age(now() - Date.parse(since)));
}

setInterval(() => {
  for (const node of document.querySelectorAll(".age")) {
    const text = age(now() - Date.parse(node.dataset.since));
    if (node.textContent !== text) node.textContent = text;
  }
}, 1000);

// ---- states and reasons ------------------------------------------------------------------------

const STATUS = {
  PROCESSING: ["open", "Processing"],
  COMPLETED: ["good", "Completed"],
  CANCELLING: ["back", "Being cancelled"],
  CANCELLED: ["bad", "Cancelled"],
};
export const REASON = {
  OUT_OF_STOCK: "Not enough in stock",
  UNKNOWN_PRODUCT: "Unknown product",
  PRICE_MISMATCH: "Price or currency differs from the catalogue",
  CARD_DECLINED: "Card declined",
  CARD_TOKEN_UNKNOWN: "Card token unknown",
  CARRIER_REFUSED: "Country not served",
  STORAGE_FULL: "Warehouse storage full",
  CUSTOMER: "By the customer",
  DEADLINE: "Not finished in time",
};
export const reason = (code) => REASON[code] ?? code;

export function badge(status) {
  const [kind, text] = STATUS[status] ?? ["open", status];
  return el("span", { class: `badge ${kind}` }, text);
}

export const orderLink = (id) =>
  el("a", { href: `/orders/${encodeURIComponent(id)}`, class: "id", title: id },
    el("span", {}, id.slice(0, -12)), el("b", {}, id.slice(-12)));
export const customerLink = (id) => el("a", { href: `/customers?id=${encodeURIComponent(id)}` }, el("bdi", {}, id));

// columns: [["heading", "number" or "", "longer heading for a wide screen"], …]; rows: a list of cells each. On a
// narrow screen each row becomes a card in which every cell is beside its heading.
export function table(caption, columns, rows) {
  const headings = columns.map(([name, kind, long]) =>
    el("th", { scope: "col", class: kind || null }, long ?? name));
  const body = rows.map((cells) => el("tr", {}, cells.map((cell, i) =>
    el("td", { class: columns[i][1] || null, "data-name": columns[i][0] }, el("div", {}, cell)))));
  return el("table", { class: "stacks" }, el("caption", { class: "unseen" }, caption),
    el("thead", {}, el("tr", {}, headings)), el("tbody", {}, body));
}
