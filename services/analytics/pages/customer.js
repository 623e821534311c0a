// A customer's orders, newest first, a page at a time.
import { badge, byId, draw, duration, el, get, moment, money, number, orderLink, reason, setText,
  table } from "./base.js";

const PAGE = 20;
const EMPTY_PAGES = 20; // a page may hold fewer orders than asked for, even none, and still have a next one
const customer = new URLSearchParams(location.search).get("id") ?? "";
const choice = byId("status");
let orders = [];
let cursor;
let asked = 0; // the latest question: answers to earlier ones are dropped

async function load({ more = false } = {}) {
  const mine = ++asked;
  if (!more) [orders, cursor] = [[], undefined];
  const wanted = orders.length + PAGE;
  for (let page = 0; page < EMPTY_PAGES && orders.length < wanted; ++page) {
    const query = new URLSearchParams({ customerId: customer, limit: String(wanted - orders.length) });
    if (choice.value) query.set("status", choice.value);
    if (cursor) query.set("cursor", cursor);
    const { status, body } = await get(`/api/orders?${query}`);
    if (mine !== asked) return;
    if (status !== 200) return failed(status, body);
    orders.push(...body.orders);
    cursor = body.nextCursor;
    if (!cursor) break;
  }
  show();
}

function show() {
  byId("content").setAttribute("aria-busy", "false");
  setText("count", orders.length ? `${number(orders.length)}${cursor ? " so far" : ""}, newest first` : "");
  byId("more").hidden = !cursor;
  draw(byId("orders"), orders, () => orders.length === 0
    ? el("p", { class: "empty" },
      choice.value ? "No order of this customer is in that state." : "No order of this customer is known.")
    : table(`Orders of ${customer}`,
      [["Order", ""], ["Status", ""], ["Total", "number"], ["Placed", "number"], ["Took", "number"]],
      orders.map((order) => [orderLink(order.orderId),
        el("span", {}, badge(order.status), order.reason ? el("small", {}, ` ${reason(order.reason)}`) : null),
        money(order.total, order.currency), moment(order.placedAt),
        order.finishedAt ? duration(Math.max(0, Date.parse(order.finishedAt) - Date.parse(order.placedAt))) : "–"])));
}

function failed(status, body) {
  byId("content").setAttribute("aria-busy", "false");
  byId("more").hidden = true;
  setText("count", "");
  const text = status === 0 || status >= 500 ? "The order service does not answer. Try again in a moment."
    : status === 400 || status === 422 ? `This customer cannot be looked up: ${body?.detail ?? "the id is not valid"}.`
      : "Orders cannot be listed by customer here.";
  draw(byId("orders"), text, () => el("p", { class: "empty" }, text));
}

setText("id", customer || "Which customer?");
document.title = `${customer || "Customer"} · orderflow`;
byId("q").value = customer;
choice.addEventListener("change", () => load());
byId("more").addEventListener("click", () => load({ more: true }));
if (customer) {
  load();
} else {
  choice.parentElement.hidden = true;
  draw(byId("orders"), "", () => el("p", { class: "empty" }, "Search for a customer above."));
  byId("content").setAttribute("aria-busy", "false");
}
