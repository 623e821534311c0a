// The orders of one customer, or of all customers if the address names none; newest first, page by page.
import { answered, badge, byId, customerLink, draw, duration, el, get, moment, money, number, orderLink, reason,
  setText, table } from "./base.js";
import { Live } from "./live.js";

const PAGE = 20;
const MOST = 100;       // a list with more orders than this is not updated
const EMPTY_PAGES = 20; // a page of the API may have fewer orders than its limit, even none, before the last page
const UPDATE_EVERY_MS = 3000;
const customer = new URLSearchParams(location.search).get("id") ?? "";
const choice = byId("status");
let orders = [];
let cursor;
let latest = 0;   // number of the reader's latest request: answers to earlier ones are dropped
let busy = false; // that request is running

// Reads orders until there are `wanted` of them, including those in `found`, or until there are no more. undefined: the
// reader has made another request meanwhile.
async function list(wanted, found, from) {
  const mine = latest;
  let next = from;
  for (let page = 0; page < EMPTY_PAGES && found.length < wanted; ++page) {
    const query = new URLSearchParams({ limit: String(Math.min(MOST, wanted - found.length)) });
    if (customer) query.set("customerId", customer);
    if (choice.value) query.set("status", choice.value);
    if (next) query.set("cursor", next);
    const { status, body } = await get(`/api/orders?${query}`);
    if (mine !== latest) return undefined;
    if (status !== 200) return { status, body };
    found = [...found, ...body.orders];
    next = body.nextCursor;
    if (!next) break;
  }
  return { status: 200, found, next };
}

async function load({ more = false } = {}) {
  ++latest;
  busy = true;
  if (!more) [orders, cursor] = [[], undefined];
  const answer = await list(orders.length + PAGE, orders, cursor);
  if (!answer) return;
  busy = false;
  if (answered(answer.status)) live.alive();
  take(answer);
  live.qualify(orders.length > MOST ? "still" : undefined);
}

// Updates the list; keeps it if there is no answer. Returns whether an answer came; undefined: a request of the reader
// updates the list.
async function update() {
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
  if (choice.value) return el("p", { class: "empty" }, "No order has this state.");
  if (!customer) return el("p", { class: "empty" }, "No order has been placed yet.");
  return [el("p", { class: "empty" }, "There are no orders of this customer."),
    el("p", { class: "empty" }, "The search needs the whole id, exactly as it is written: the id of a customer with ",
      "its capital letters, the id of an order with all 36 characters, such as ",
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
const live = new Live({ poll: update, everyMs: UPDATE_EVERY_MS });
live.start();
