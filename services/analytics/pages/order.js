// One order: its state, its steps and its events. The order service has the state and pushes each change over the
// WebSocket; the analytics service has the events.
import { answered, badge, byId, changed, customerLink, draw, duration, el, get, growing, moment, money, number, reason,
  setText, table } from "./base.js";
import { Live, QUIET_MS } from "./live.js";
import { Way } from "./way.js";

const id = decodeURIComponent(location.pathname.split("/").pop());
const topic = `/topic/order/${id}`;
const FINAL = ["COMPLETED", "CANCELLED"];
const LAST = { COMPLETED: "OrderCompleted", CANCELLED: "OrderCancelled" };
// The analytics service may have an event up to a second later than the frame comes. So the page reads at once, twice
// again soon after, and then regularly until it has the order's last event.
const READS_AFTER_FRAME_MS = [0, 400, 1200];
const READ_EVERY_MS = 2000;
const FIRST_VIEW_MS = 2000; // how long the page waits for both answers before it shows only one of them
const TOGETHER_MS = 50;     // two answers that come so close to each other are shown together
let reads = []; // timers
let updateSoon;

// One of the two services that have data of the order. `fine`: the expected statuses. `body`: of its last answer with
// status 200, which the page keeps while the service is unavailable. `at`: when it answered last. `sent` and `shown`:
// the numbers of the last request, and of the last one whose answer is used.
const source = (path, fine) => ({ path, fine, sent: 0, shown: 0, status: undefined, body: undefined, at: 0 });
const orders = source(`/api/orders/${id}`, [200]);
const timelines = source(`/api/orders/${id}/timeline`, [200, 404]);

// Reads from one service. Returns whether it answered.
async function read(from) {
  const mine = ++from.sent;
  const { status, body } = await get(from.path);
  if (answered(status)) {
    from.at = performance.now();
    live.alive();
  }
  if (mine > from.shown) { // otherwise the answer to a later request came first
    from.shown = mine;
    from.status = status;
    if (status === 200) from.body = body;
    updateSoon ??= setTimeout(update, TOGETHER_MS);
  }
  return answered(status);
}

// Does not wait for a frozen service if the other one answers. Returns whether there is something to show: data of the
// order, or the answer that the order does not exist.
function load() {
  const all = [orders, timelines].map((from) => read(from).then((answer) => answer || Promise.reject()));
  return Promise.any(all).then(() => Boolean(orders.body || timelines.body || orders.status === 404), () => false);
}

const isUnavailable = ({ status, fine, at }) => !fine.includes(status) || performance.now() - at > QUIET_MS;

function update() {
  updateSoon = undefined;
  if (live.over) return;
  const waits = [orders, timelines].some(({ status }) => status === undefined);
  if (waits && performance.now() < FIRST_VIEW_MS) return;
  if (!orders.body && !timelines.body) {
    if (orders.status === 404 && timelines.status !== undefined) missing();
    return;
  }
  const unavailable = { order: isUnavailable(orders), analytics: isUnavailable(timelines) };
  live.qualify(unavailable.order || unavailable.analytics ? "partly" : undefined);
  show(orders.body, timelines.body, unavailable);
}

// An order's state only moves forward, so the later one of two states is right.
function further(one, other) {
  const rank = (status) => ["PROCESSING", "CANCELLING"].includes(status) ? Number(status === "CANCELLING") : 2;
  if (one === undefined || other === undefined) return one ?? other;
  return rank(other) > rank(one) ? other : one;
}

function missing() {
  live.qualify("missing");
  byId("order").hidden = true;
  const box = byId("missing");
  box.hidden = false;
  box.className = "card empty";
  draw(box, "missing", () => [el("h1", {}, "No such order"),
    el("p", {}, "No order has the id ", el("span", { class: "id" }, id), "."),
    el("p", {}, "An order that was placed a moment ago is shown here as soon as its first event has arrived. ",
      "Search for its customer above, or go to the ", el("a", { href: "/" }, "dashboard"), ".")]);
  document.title = "No such order · orderflow";
  byId("content").setAttribute("aria-busy", "false");
}

function show(order, timeline, unavailable) {
  byId("missing").hidden = true;
  byId("order").hidden = false;
  const events = timeline?.events ?? [];
  const status = further(order?.status, timeline?.status);
  const cause = order?.reason ?? timeline?.reason;
  const way = new Way(events, status, order);
  document.title = `${status.toLowerCase()} · ${id.slice(-12)} · orderflow`;
  setText("id", id);
  draw(byId("badges"), [status, cause, way.waits(), way.remaining().length], () => headline(status, cause, way));
  draw(byId("facts"), [order, events.at(-1)], () => facts(order, events));
  note(timeline, status, unavailable);
  draw(byId("way"), [events, status, cause, order?.steps, order?.waitingFor], () => way.draw(cause));
  setText("events-hint", events.length ? number(events.length) : "");
  draw(byId("events"), [events, unavailable.analytics], () => eventTable(events, unavailable));
  byId("goods-card").hidden = !order;
  if (order && changed(byId("goods"), order.items, order.shipment)) byId("goods").replaceChildren(...goods(order));
  byId("content").setAttribute("aria-busy", "false");
  if (FINAL.includes(status) && events.some(({ type }) => type === LAST[status])) live.end();
}

function headline(status, cause, way) {
  const waiting = way.waits();
  const left = way.remaining().length;
  const remain = `${left} ${left === 1 ? "step remains" : "steps remain"}`;
  return [badge(status), cause ? el("span", {}, reason(cause)) : null,
    ...waiting.map(({ service, since }) =>
      el("span", { class: "waits" }, `waiting for ${service} for `, growing(since))),
    waiting.length && left ? el("span", { class: "hint" }, remain) : null].filter((part) => part !== null);
}

function facts(order, events) {
  const fact = (name, ...value) => el("div", {}, el("dt", {}, name), el("dd", {}, ...value));
  const placed = order?.placedAt ?? events[0]?.time;
  const ended = order?.finishedAt;
  return [
    order ? fact("Customer", customerLink(order.customerId)) : null,
    order ? fact("Total", money(order.total, order.currency)) : null,
    placed ? fact("Placed", moment(placed, { precise: true })) : null,
    placed && ended ? fact("Took", duration(Math.max(0, Date.parse(ended) - Date.parse(placed)))) : null,
    order?.shipmentId ? fact("Shipment", el("span", { class: "id" }, order.shipmentId)) : null,
  ].filter((part) => part !== null);
}

function note(timeline, status, unavailable) {
  const text = unavailable.order ? "The order service does not answer. This page shows what is known from the events."
    : unavailable.analytics ? `The analytics service does not answer: ${timeline ? "later " : ""}events, latencies ` +
        "and Kafka positions are not available."
      : !timeline ? "The order's events have not arrived at the analytics service yet."
      : status === "CANCELLING" ? "The order is being cancelled: it ends when all three participants have answered."
        : "";
  byId("note").hidden = text === "";
  setText("note", text);
}

function eventTable(events, unavailable) {
  if (events.length === 0) {
    return el("p", { class: "empty" }, unavailable.analytics ? "The events are not available." : "No event yet.");
  }
  return table("Events of the order",
    [["Event", ""], ["Service", ""], ["Time", "number"], ["After", "number", "Since the event before"],
      ["Kafka", "", "Kafka: topic / partition / offset"]],
    events.map((event) => [
      el("span", { class: "event" }, el("span", { class: `mark ${kindOf(event)}`, "aria-hidden": "true" }),
        el("b", {}, event.type), event.compensates ? el("small", {}, `undoes ${event.compensates}`) : null),
      event.service, moment(event.time, { precise: true }),
      event.latencyMs === undefined ? "–" : duration(event.latencyMs),
      el("span", { class: "place" }, `${event.topic} / ${event.partition} / ${event.offset}`)]));
}

function kindOf({ type, compensates }) {
  if (compensates || type === "CancellationStarted") return "back";
  if (type === "NothingToCompensate") return "nothing";
  return /(Rejected|Declined|Refused|OrderCancelled)$/.test(type) ? "bad" : "good";
}

function goods(order) {
  const lines = table("Items of the order",
    [["Product", ""], ["Id", ""], ["Price", "number"], ["Quantity", "number"], ["Sum", "number"]],
    order.items.map(({ name, productId, price, quantity }) => [
      el("bdi", {}, name), el("bdi", { class: "place" }, productId), money(price, order.currency), number(quantity),
      money(BigInt(price) * BigInt(quantity), order.currency)]));
  lines.tBodies[0].append(el("tr", { class: "sum" }, el("td", { colspan: 4, "data-name": "" }, el("div", {}, "Total")),
    el("td", { class: "number", "data-name": "" }, el("div", {}, money(order.total, order.currency)))));
  if (!order.shipment) return [lines];
  const { recipient, address } = order.shipment;
  return [lines, el("p", {}, el("span", { class: "above" }, "Ships to "),
    el("bdi", {}, [recipient, address.line1, `${address.postalCode} ${address.city}`, address.country].join(", ")))];
}

// A frame only shows that the order has changed: the data comes from the answers of the two services.
function received(frame) {
  if (frame.topic !== topic || frame.type === "ERROR") return;
  if (frame.type === "SUBSCRIBED") {
    load();
    return;
  }
  reads.forEach(clearTimeout);
  reads = READS_AFTER_FRAME_MS.map((pause) => setTimeout(() => { if (!live.over) load(); }, pause));
}

async function keepReading(from) {
  if (live.over) return;
  if (!document.hidden) await read(from);
  setTimeout(() => keepReading(from), READ_EVERY_MS);
}

const live = new Live({
  path: "/ws", poll: load, received, opened: (send) => send({ subscribe: topic }), everyMs: 1000,
});
live.start();
for (const from of [orders, timelines]) setTimeout(() => keepReading(from), READ_EVERY_MS);
setInterval(() => { if (!document.hidden) update(); }, 1000); // a service may have stopped answering
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) orders.at = timelines.at = performance.now(); // no request was sent meanwhile
});
