// The dashboard: figures, charts and the orders that wait longest, as the analytics service pushes them.
import { badge, byId, changed, customerLink, draw, duration, el, get, growing, hour, money, moment, number, orderLink,
  reason, setText, share, table } from "./base.js";
import { bars, latencies, states, throughput } from "./charts.js";
import { Live } from "./live.js";

const MINUTES = 60;
const WAITING = 20;
const minutes = new Map(); // begin → figures
let figures;               // as last shown

// The size of the font follows from the length, so that the text fits into its tile.
function setFigure(id, text) {
  setText(id, text);
  byId(id).style.setProperty("--length", text.length);
}

function showFigures({ orders, users, performance }) {
  figures = { orders, performance };
  setFigure("placed", number(orders.count));
  setFigure("completed", number(orders.completed));
  setFigure("open", number(orders.open));
  setFigure("cancelled", number(orders.cancelled));
  setText("completed-share", orders.count ? share(orders.completed, orders.count) : "none yet");
  setText("cancelled-share", orders.count
    ? share(orders.cancelled, orders.count) : "none yet");
  setText("error-rate", orders.count ? `error rate ${share(performance.errorRate, 1)}` : "");
  setText("error-rate-means", "The error rate is the share of the ended orders that the system cancelled " +
    `(“${reason("DEADLINE")}”). Refusals and cancellations by customers are not errors.`);
  showRevenue(orders.revenueByCurrency ?? { KRW: orders.revenue });
  setFigure("response", performance.avgResponseTime ? duration(performance.avgResponseTime) : "–");
  setFigure("customers", number(users.active));
  setText("customers-new", `last 24 h, ${number(users.new)} new`);
  if (changed(byId("states"), orders)) states(byId("states"), orders);
  if (changed(byId("latencies"), performance.steps)) latencies(byId("latencies"), performance.steps);
  showReasons(orders.byReason);
  byId("content").setAttribute("aria-busy", "false");
}

// Large: the default currency, or the first one if there is no revenue in it. Below: the others.
function showRevenue(byCurrency) {
  const amounts = Object.entries(byCurrency).sort(([a], [b]) => (b === "KRW") - (a === "KRW"));
  const [first, ...others] = amounts.map(([currency, minor]) => money(minor, currency));
  setFigure("revenue", first ?? money(0));
  setText("revenue-more", others.length ? `and ${others.join(", ")}` : "of completed orders");
}

function showReasons(byReason) {
  const found = Object.entries(byReason).filter(([, n]) => n > 0).sort(([, a], [, b]) => b - a);
  draw(byId("reasons"), found, () => found.length
    ? bars(found.map(([code, n]) => [reason(code), n]))
    : el("p", { class: "empty" }, "No order has been cancelled yet."));
}

function showThroughput(latest) {
  for (const minute of latest) minutes.set(minute.minute, minute);
  const series = [...minutes.keys()].sort().slice(-MINUTES);
  for (const begin of minutes.keys()) if (begin < series[0]) minutes.delete(begin);
  const list = series.map((begin) => minutes.get(begin));
  if (list.length === 0 || !changed(byId("throughput"), list, innerWidth)) return;
  throughput(byId("throughput"), list);
  const last = list[list.length - 2];
  if (last) setText("rate", `${number(last.placed)} in the last full minute`);
  draw(byId("throughput-table").tBodies[0], list, () => list.slice().reverse().map((minute) =>
    el("tr", {}, el("th", { scope: "row" }, hour(minute.minute)), ["placed", "completed", "cancelled"].map((name) =>
      el("td", { class: "number" }, number(minute[name]))),
    el("td", { class: "number" }, minute.avgResponseTime ? duration(minute.avgResponseTime) : "–"))));
}

function showWaiting(orders) {
  setText("waiting-hint", orders.length === WAITING ? `the first ${WAITING}` : "");
  draw(byId("waiting"), orders, () => orders.length === 0
    ? el("p", { class: "empty good" }, "No order has been waiting for more than a second.")
    : table("Orders that wait longest",
      [["Order", ""], ["Customer", ""], ["Status", ""], ["Waits for", ""], ["How long", "number"], ["Placed", "number"],
        ["Total", "number"]],
      orders.map((order) => [orderLink(order.orderId), customerLink(order.customerId),
        el("span", {}, badge(order.status), order.reason ? el("small", {}, ` ${reason(order.reason)}`) : null),
        order.waitingFor.map(({ service }) => el("span", { class: "service" }, service)),
        growing(order.since), moment(order.placedAt), money(order.total, order.currency)])));
}

async function poll() {
  const first = minutes.size === 0;
  const [all, perMinute, waiting] = await Promise.all([get("/api/analytics"),
    get(`/api/analytics/throughput?minutes=${first ? MINUTES : 2}`), get(`/api/analytics/waiting?limit=${WAITING}`)]);
  if (all.status === 200) showFigures(all.body);
  if (perMinute.status === 200) showThroughput(perMinute.body.minutes);
  if (waiting.status === 200) showWaiting(waiting.body.orders);
  return all.status === 200;
}

function received(message) {
  if (message.type !== "ANALYTICS") return;
  showFigures(message);
  if (message.throughput && minutes.size > 0) showThroughput(message.throughput.minutes);
  if (message.waiting) showWaiting(message.waiting.orders);
}

// After an interruption (a laptop that slept) minutes are missing: reads all of them again.
function catchUp() {
  minutes.clear();
  poll();
}

new Live({ path: "/ws/analytics", poll, received, opened: catchUp }).start();

// A chart is drawn for the width of the window, so a new width needs a new chart.
let drawnFor = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === drawnFor || !figures) return;
  drawnFor = innerWidth;
  latencies(byId("latencies"), figures.performance.steps);
  showThroughput([]);
});
