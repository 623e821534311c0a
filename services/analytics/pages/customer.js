// Orders, newest first, a page at a time: a customer's, or everybody's if no customer is asked for.
import { answered, badge, byId, customerLink, draw, duration, el, get, moment, money, number, orderLink, reason,
  setText, table } from "./base.js";
import { Live } from "./live.js";

const PAGE = 20;
const MOST = 100;       // orders that the page looks for again and again; beyond, it stays as it is
const EMPTY_PAGES = 20; // a page may hold fewer orders than asked for, even none, and still have a next one
const LOOK_EVERY_MS = 3000;
const customer = new URLSearchParams(location.search).get("id") ?? "";
const choice = byId("status");
let orders = [];
let cursor;
let asked = 0;    // the latest question of the reader: answers to earlier ones are dropped
let busy = false; // with that question

// At least `wanted` orders, those in `found` among them, unless there are fewer; undefined if meanwhile another
// question was asked.
async function list(wanted, found, from) {
  const mine = asked;
  let next = from;
  for (let page = 0; page < EMPTY_PAGES && found.length < wanted; ++page) {
    const query = new URLSearchParams({ limit: String(Math.min(MOST, wanted - found.length)) });
    if (customer) query.set("customerId", customer);
    if (choice.value) query.set("status", choice.value);
    if (next) query.set("cursor", next);
    const { status, body } = await get(`/api/orders?${query}`);
    if (mine !== asked) return undefined;
    if (status !== 200) return { status, body };
    found = [...found, ...body.orders];
    next = body.nextCursor;
    if (!next) break;
  }
  return { status: 200, found, next };
}

async function load({ more = false } = {}) {
  ++asked;
  busy = true;
  if (!more) [orders, cursor] = [[], undefined];
  const answer = await list(orders.length + PAGE, orders, cursor);
  if (!answer) return;
  busy = false;
  if (answered(answer.status)) live.alive();
  take(answer);
  live.qualify(orders.length > MOST ? "still" : undefined);
}

// What is shown stays if there is no answer. Says whether there was one; undefined: it was not for this to ask.
async function look() {
  if (busy) return undefined;
  if (orders.length > MOST) return true;
  const answer = await list(Math.max(PAGE, orders.length), [], undefined);
  if (answer && (answer.status === 200 || orders.length === 0)) take(answer);
  return answer && answered(answer.status);
}

function take({ status, body, found, next }) {
  byId("content").setAttribute("aria-busy", "false");
  if (status !== 200) return failed(status, body);
  [orders, cursor] = [found, next];
  show();
}

function show() {
  setText("count", orders.length ? `${number(orders.length)}${cursor ? " so far" : ""}, newest first` : "");
  byId("more").hidden = !cursor;
  draw(byId("orders"), [orders, choice.value], () => orders.length === 0 ? nothing() : orderTable());
}

function nothing() {
  if (choice.value) return el("p", { class: "empty" }, "No order is in that state.");
  if (!customer) return el("p", { class: "empty" }, "No order was placed so far.");
  return [el("p", { class: "empty" }, "No order of this customer is known."),
    el("p", { class: "empty" }, "Ids are looked up whole and exactly as written: a customer's with its capital ",
      "letters, an order's with all of its 36 characters, such as ",
      el("span", { class: "id" }, "019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10"), ". ",
      el("a", { href: "/customers" }, "Latest orders"))];
}

function orderTable() {
  const whose = customer ? [] : [["Customer", ""]];
  return table(customer ? `Orders of ${customer}` : "Latest orders",
    [["Order", ""], ...whose, ["Status", ""], ["Total", "number"], ["Placed", "number"], ["Took", "number"]],
    orders.map((order) => [orderLink(order.orderId), ...(customer ? [] : [customerLink(order.customerId)]),
      el("span", {}, badge(order.status), order.reason ? el("small", {}, ` ${reason(order.reason)}`) : null),
      money(order.total, order.currency), moment(order.placedAt),
      order.finishedAt ? duration(Math.max(0, Date.parse(order.finishedAt) - Date.parse(order.placedAt))) : "–"]));
}

function failed(status, body) {
  byId("more").hidden = true;
  setText("count", "");
  const text = status === 0 || status >= 500 ? "The order service does not answer. Try again in a moment."
    : status === 400 || status === 422 ? `This customer cannot be looked up: ${body?.detail ?? "the id is not valid"}.`
      : "Orders cannot be listed here.";
  draw(byId("orders"), text, () => el("p", { class: "empty" }, text));
}

setText("above", customer ? "Customer" : "All customers");
setText("id", customer || "Latest orders");
byId("id").className = customer ? "id" : "";
byId("hint").hidden = customer !== "";
document.title = `${customer || "Latest orders"} · orderflow`;
byId("q").value = customer;
choice.addEventListener("change", () => load());
byId("more").addEventListener("click", () => load({ more: true }));
const live = new Live({ poll: look, everyMs: LOOK_EVERY_MS });
live.start();
