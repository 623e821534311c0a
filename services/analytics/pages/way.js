// The picture of an order's steps. The first lane has the saga's five steps. A cancelled order has a second lane: what
// started the cancellation, each participant's answer below the step that it undoes, and the end. Both lanes are lists,
// which a screen reader can read.
import { duration, el, growing, reason, svg } from "./base.js";

const PLACED = { service: "order-service", done: "OrderPlaced", name: "Order placed" };
const PARTICIPANTS = [
  { service: "inventory-service", done: "StockReserved", name: "Stock reserved", refused: "StockRejected",
    no: "Stock refused", undone: "StockReleased", back: "Stock released", todo: "Reserve stock" },
  { service: "payment-service", done: "PaymentCaptured", name: "Payment captured", refused: "PaymentDeclined",
    no: "Payment declined", undone: "PaymentRefunded", back: "Payment refunded", todo: "Capture payment" },
  { service: "shipping-service", done: "ShipmentScheduled", name: "Shipment scheduled", refused: "ShipmentRefused",
    no: "Shipment refused", undone: "ShipmentVoided", back: "Shipment voided", todo: "Schedule shipment" },
];
const COMPLETED = { service: "order-service", done: "OrderCompleted", name: "Order completed", todo: "Complete order" };

const PATHS = {
  done: "M4 9.5l3.5 3.5L14 5.5", undone: "M4 9.5l3.5 3.5L14 5.5",
  refused: "M5 5l8 8M13 5l-8 8", end: "M5 5l8 8M13 5l-8 8",
  waiting: "M9 4v5l3 2.5", pending: "", skipped: "M5 9h8", trigger: "M6.5 3.5l-3 3 3 3M4 6.5h6.5a4 4 0 0 1 0 8H8",
  back: "M6.5 3.5l-3 3 3 3M4 6.5h6.5a4 4 0 0 1 0 8H8", nothing: "M5 9h8",
};
const WORDS = {
  done: "done", refused: "refused", undone: "done, and undone later", waiting: "in progress", pending: "not started",
  skipped: "will not happen", trigger: "the compensation begins", end: "ended", nothing: "had nothing to undo",
};

const icon = (kind) => el("span", { class: "icon", "aria-hidden": "true" },
  svg("svg", { viewBox: "0 0 18 18" }, svg("path", { d: PATHS[kind] })));

const REFUSED_BY = {
  OUT_OF_STOCK: "StockRejected", UNKNOWN_PRODUCT: "StockRejected", PRICE_MISMATCH: "StockRejected",
  CARD_DECLINED: "PaymentDeclined", CARD_TOKEN_UNKNOWN: "PaymentDeclined",
  CARRIER_REFUSED: "ShipmentRefused", STORAGE_FULL: "ShipmentRefused",
};

// The events that follow from the order service's answer alone; some of them have no time. The picture is drawn from
// these while the analytics service is unavailable or behind.
function eventsOf({ status, reason: cause, steps, waitingFor = [], placedAt, cancellingAt, finishedAt }) {
  const events = [{ type: "OrderPlaced", time: placedAt }];
  const isBack = status === "CANCELLING" || status === "CANCELLED";
  for (const { step, service, status: state, at, undoneAt } of steps) {
    const names = PARTICIPANTS.find(({ done }) => done === step);
    if (!names) continue;
    if (state === "done" || state === "undone") events.push({ type: step, time: at });
    if (state === "undone") events.push({ type: names.undone, time: undoneAt });
    else if (isBack && !waitingFor.some((one) => one.service === service)) {
      events.push({ type: "NothingToCompensate", service });
    }
  }
  if (isBack) events.push({ type: "CancellationStarted", time: cancellingAt });
  if (isBack && REFUSED_BY[cause]) events.push({ type: REFUSED_BY[cause] });
  if (status === "COMPLETED") events.push({ type: "OrderCompleted", time: finishedAt });
  if (status === "CANCELLED") events.push({ type: "OrderCancelled", time: finishedAt });
  return events;
}

// The known events of an order, by type, and the participants' NothingToCompensate by service. An event of the timeline
// replaces the same event that follows from the order.
export class Way {
  constructor(timeline, status, order) {
    const events = [...(order ? eventsOf(order) : []), ...timeline];
    const [nothing, others] = [true, false].map((wanted) =>
      events.filter(({ type }) => (type === "NothingToCompensate") === wanted));
    this.byType = new Map(others.map((event) => [event.type, event]));
    this.nothing = new Map(nothing.map((event) => [event.service, event]));
    this.start = Date.parse(this.byType.get("OrderPlaced")?.time ?? timeline[0]?.time);
    this.isBack = this.byType.has("CancellationStarted") || status === "CANCELLING" || status === "CANCELLED";
    this.isFinal = status === "COMPLETED" || status === "CANCELLED";
    this.waiting = new Map((order?.waitingFor ?? []).map(({ service, since }) => [service, since]));
  }

  forward() {
    return [PLACED, ...PARTICIPANTS, COMPLETED].map((step) => this.forwardStep(step));
  }

  forwardStep(step) {
    const done = this.byType.get(step.done);
    const refused = this.byType.get(step.refused);
    if (done) {
      const kind = this.byType.has(step.undone) ? "undone" : "done";
      return { ...step, kind, text: step.name, at: done };
    }
    if (refused) return { ...step, kind: "refused", text: step.no, at: refused };
    if (this.isBack) return { ...step, kind: "skipped", text: step.todo ?? step.name };
    const since = step === PLACED ? undefined : this.waiting.get(step.service);
    return { ...step, kind: since ? "waiting" : "pending", text: step.todo ?? step.name, since };
  }

  back() {
    if (!this.isBack) return [];
    const started = this.byType.get("CancellationStarted");
    const ended = this.byType.get("OrderCancelled");
    return [
      { service: "order-service", kind: started ? "trigger" : "pending", text: "Cancellation started", at: started },
      ...PARTICIPANTS.map((step) => this.answer(step)),
      ended ? { service: "order-service", kind: "end", text: "Order cancelled", at: ended }
        : { service: "order-service", kind: "pending", text: "Cancel order" },
    ];
  }

  answer(step) {
    const undone = this.byType.get(step.undone);
    const nothing = this.nothing.get(step.service);
    if (undone) return { service: step.service, kind: "done", text: step.back, at: undone, undoes: step.done };
    if (nothing) return { service: step.service, kind: "nothing", text: "Nothing to undo", at: nothing };
    const since = this.waiting.get(step.service);
    return { service: step.service, kind: since ? "waiting" : "pending", text: "Undo if needed", since };
  }

  // The steps that remain before an open order ends.
  remaining() {
    if (this.isFinal) return [];
    const lane = this.isBack ? this.back() : this.forward();
    return lane.filter(({ kind }) => kind === "waiting" || kind === "pending");
  }

  // The steps for which the order waits, unless the answer is already among the events.
  waits() {
    return this.remaining().filter(({ kind }) => kind === "waiting");
  }

  // Shows the time of a step as the time since the order was placed.
  node(step, i, lane, cause) {
    const next = lane[i + 1];
    const reached = next && ["done", "undone", "refused", "waiting", "nothing", "end"].includes(next.kind);
    const stops = next && ["pending", "skipped"].includes(next.kind);
    const mark = step.undoes ? "back" : step.kind;
    const when = step.since
      ? el("span", { class: "when" }, "waiting ", growing(step.since))
      : step.at?.time
        ? el("span", { class: "when" }, i === 0 && step.done === "OrderPlaced"
          ? "start" : `+ ${duration(Math.max(0, Date.parse(step.at.time) - this.start))}`)
        : null;
    const kinds = ["step", step.kind, reached && "joined", stops && "stops"].filter(Boolean).join(" ");
    return el("li", { class: kinds, "data-step": step.at?.type ?? step.done },
      step.undoes ? el("span", { class: "undoes", "aria-hidden": "true" }, el("span", {}, "undoes")) : null,
      icon(mark), el("span", { class: "name" }, step.text),
      el("span", { class: "unseen" }, `: ${WORDS[step.kind]}${step.undoes ? `, undoes ${step.undoes}` : ""}`),
      step.kind === "trigger" && cause ? el("span", { class: "by" }, reason(cause)) : null,
      el("span", { class: "by" }, step.service), when);
  }

  draw(cause) {
    const forward = this.forward();
    const back = this.back();
    return el("div", { class: `way${back.length ? " both" : ""}`, role: "group", "aria-label": "Steps of the order" },
      el("ol", { class: "forward", "aria-label": "Forward steps" },
        forward.map((step, i) => this.node(step, i, forward))),
      back.length
        ? el("ol", { class: "back", "aria-label": "Compensation" },
          back.map((step, i) => this.node(step, i, back, cause)))
        : null);
  }
}
