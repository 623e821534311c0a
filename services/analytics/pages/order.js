// One order: where it stands, its way, every event. The order service says the state and pushes what happens, the
// analytics service knows the events.
import { badge, byId, changed, customerLink, draw, duration, el, get, growing, moment, money, number, reason, setText,
  table } from "./base.js";
import { Live } from "./live.js";
import { Way } from "./way.js";

const id = decodeURIComponent(location.pathname.split("/").pop());
const topic = `/topic/order/${id}`;
const FINAL = ["COMPLETED", "CANCELLED"];
const LAST = { COMPLETED: "OrderCompleted", CANCELLED: "OrderCancelled" };
// The analytics service may be up to a second behind the frame that told of an event.
// So the page looks at once, again soon, and then every now and then until it has seen the order's last event.
const LOOKS_AFTER_FRAME_MS = [0, 400, 1200];
const LOOK_EVERY_MS = 2000;
let asked = 0;
let shown = 0; // the question whose answer is shown; that of an earlier one is dropped
let looks = [];
const known = {}; // the order and the timeline, as last answered: a service that goes away takes nothing with it

async function load() {
  const mine = ++asked;
  const [order, timeline] = await Promise.all([get(`/api/orders/${id}`), get(`/api/orders/${id}/timeline`)]);
  if (mine < shown) return true;
  const nowhere = order.status === 404 && timeline.status !== 200 && !known.order && !known.timeline;
  if (!nowhere && order.status !== 200 && timeline.status !== 200) return false;
  shown = mine;
  if (nowhere) return missing();
  if (order.status === 200) known.order = order.body;
  if (timeline.status === 200) known.timeline = timeline.body;
  const away = {
    order: order.status !== 200,
    analytics: timeline.status !== 200 && timeline.status !== 404,
  };
  live.qualify(away.order || away.analytics ? "partly" : undefined);
  show(known.order, known.timeline, away);
  return true;
}

// An order never goes back: of two answers the one that is further holds.
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
  return true;
}

function show(order, timeline, away) {
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
  note(timeline, status, away);
  draw(byId("way"), [events, status, cause, order?.steps, order?.waitingFor], () => way.draw(cause));
  setText("events-hint", events.length ? number(events.length) : "");
  draw(byId("events"), [events, away.analytics], () => eventTable(events, away));
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

function note(timeline, status, away) {
  const text = away.order ? "The order service does not answer; what stands here is what the events tell."
    : away.analytics ? `The analytics service does not answer: ${timeline ? "later " : ""}events, latencies ` +
        "and Kafka coordinates are missing for now."
      : !timeline ? "The order's events have not arrived at the analytics service yet."
      : status === "CANCELLING" ? "The order is being cancelled: it ends when all three participants have answered."
        : "";
  byId("note").hidden = text === "";
  setText("note", text);
}

function eventTable(events, away) {
  if (events.length === 0) {
    return el("p", { class: "empty" }, away.analytics ? "The events are not known for now." : "No event so far.");
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
  const lines = table("Lines of the order",
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

// Frames tell that something happened; what, the two answers tell.
function received(frame) {
  if (frame.topic !== topic || frame.type === "ERROR") return;
  if (frame.type === "SUBSCRIBED") {
    load();
    return;
  }
  looks.forEach(clearTimeout);
  looks = LOOKS_AFTER_FRAME_MS.map((pause) => setTimeout(() => { if (!live.over) load(); }, pause));
}

async function keepLooking() {
  if (live.over) return;
  if (!document.hidden) await load();
  setTimeout(keepLooking, LOOK_EVERY_MS);
}

const live = new Live({
  path: "/ws", poll: load, received, opened: (send) => send({ subscribe: topic }), everyMs: 1000,
});
live.start();
setTimeout(keepLooking, LOOK_EVERY_MS);
