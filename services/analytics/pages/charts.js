// The dashboard's charts, as SVG. Each is drawn for the width of its element, so that the text keeps its size. The
// aria-label describes the chart in words, for screen readers.
import { duration, el, hour, number, share, svg } from "./base.js";

// ---- orders per minute -------------------------------------------------------------------------

const HEIGHT = 220;
const FOOT = 24; // below the columns, for the hours
const HEAD = 14;

// The distance between grid lines: the first of 1, 2, 5, 10, 20, 50, … that needs at most four lines above zero.
function gridStep(most) {
  for (let power = 1; ; power *= 10) {
    for (const step of [power, 2 * power, 5 * power]) if (most / step <= 4) return step;
  }
}

const sentence = (minute) =>
  `${hour(minute.minute)}: ${number(minute.placed)} placed, ${number(minute.completed)} completed, ` +
  `${number(minute.cancelled)} cancelled`;

// minutes: as the API returns them, the running one last.
export function throughput(figure, minutes) {
  const width = Math.max(280, figure.clientWidth);
  const most = Math.max(1, ...minutes.map((minute) => Math.max(minute.placed, minute.completed + minute.cancelled)));
  const step = gridStep(most);
  const top = step * Math.ceil(most / step);
  const left = 12 + 7.5 * number(top).length;
  const floor = HEIGHT - FOOT;
  const y = (value) => floor - (value / top) * (floor - HEAD);
  const slot = (width - left) / minutes.length;
  const x = (i) => left + i * slot;

  const lines = [];
  for (let value = 0; value <= top; value += step) {
    lines.push(svg("line", { class: "grid", x1: left, x2: width, y1: y(value), y2: y(value) }),
      svg("text", { class: "tick", x: left - 6, y: y(value) + 4, "text-anchor": "end" }, number(value)));
  }
  const every = minutes.length * 44 > width * 10 ? 15 : 10; // minutes between two labels
  const columns = minutes.map((minute, i) => {
    const bar = { x: x(i) + slot * 0.12, width: slot * 0.76 };
    const ended = minute.completed + minute.cancelled;
    const label = new Date(minute.minute).getMinutes() % every === 0 && x(i) > left + 6;
    return svg("g", {},
      svg("rect", { class: "fill good", ...bar, y: y(minute.completed), height: floor - y(minute.completed) }),
      svg("rect", { class: "fill bad", ...bar, y: y(ended), height: y(minute.completed) - y(ended) }),
      label ? svg("text", { class: "tick", x: Math.min(x(i) + slot / 2, width - 20), y: HEIGHT - 6,
        "text-anchor": "middle" }, hour(minute.minute)) : null);
  });
  const way = minutes.map((minute, i) =>
    `${i ? "L" : "M"}${(x(i) + slot / 2).toFixed(1)} ${y(minute.placed).toFixed(1)}`);
  const sum = (name) => minutes.reduce((total, minute) => total + minute[name], 0);
  const picture = svg("svg", {
    viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img",
    "aria-label": `In the last ${minutes.length} minutes: ${number(sum("placed"))} orders placed, ` +
      `${number(sum("completed"))} completed, ${number(sum("cancelled"))} cancelled; ` +
      `at most ${number(most)} in a minute.`,
  }, lines, columns, svg("path", { class: "line", d: way.join("") }));

  const readout = el("p", { class: "readout", "aria-hidden": "true" });
  const showMinute = (i) => { readout.textContent = sentence(minutes[i]); };
  const resting = figure.dataset.over === undefined ? minutes.length - 1 : Number(figure.dataset.over);
  showMinute(Math.min(resting, minutes.length - 1));
  picture.addEventListener("pointermove", (event) => {
    const at = (event.clientX - picture.getBoundingClientRect().left) * (width / picture.clientWidth);
    const i = Math.floor((at - left) / slot);
    if (i < 0 || i >= minutes.length) return;
    figure.dataset.over = i;
    showMinute(i);
  });
  picture.addEventListener("pointerleave", () => {
    delete figure.dataset.over;
    showMinute(minutes.length - 1);
  });
  figure.replaceChildren(legend([["line", "placed"], ["good", "completed"], ["bad", "cancelled"]]), readout, picture);
}

function legend(entries) {
  return el("ul", { class: "legend" }, entries.map(([kind, text]) =>
    el("li", {}, el("span", { class: `key ${kind}`, "aria-hidden": "true" }), text)));
}

// ---- orders by state ---------------------------------------------------------------------------

export function states(figure, { count, completed, open, cancelled }) {
  const parts = [["good", "completed", completed], ["open", "open", open], ["bad", "cancelled", cancelled]];
  let from = 0;
  const bars = parts.map(([kind, name, n]) => {
    const width = count ? (100 * n) / count : 0;
    const bar = svg("rect", { class: `fill ${kind}`, x: `${from}%`, y: 0, width: `${width}%`, height: 28 },
      svg("title", {}, `${number(n)} ${name}`));
    from += width;
    return bar;
  });
  figure.replaceChildren(
    svg("svg", { class: "stack", width: "100%", height: 28, role: "img",
      "aria-label": parts.map(([, name, n]) => `${number(n)} ${name} (${share(n, count)})`).join(", ") },
    svg("rect", { class: "empty", width: "100%", height: 28 }), bars),
    el("ul", { class: "legend spread" }, parts.map(([kind, name, n]) =>
      el("li", {}, el("span", { class: `key ${kind}`, "aria-hidden": "true" }),
        `${name} `, el("b", {}, number(n)), count ? ` ${share(n, count)}` : ""))));
}

// ---- how long a step takes ---------------------------------------------------------------------

const STEPS = [["reserve", "Reserve stock"], ["charge", "Charge the card"], ["ship", "Schedule the shipment"],
  ["complete", "Complete the order"]];
const ROW = 50;

// The scale is logarithmic, because the steps differ by orders of magnitude. It goes from the power of ten below the
// shortest p50 to the one above the longest p99.
export function latencies(figure, steps) {
  const width = Math.max(260, figure.clientWidth);
  const seen = Object.values(steps).filter(({ p99 }) => p99 > 0);
  if (seen.length === 0) {
    figure.replaceChildren(el("p", { class: "empty" }, "No order in the last 5 minutes."));
    return;
  }
  const low = Math.floor(Math.log10(Math.min(...seen.map(({ p50 }) => Math.max(p50, 0.1)))));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...seen.map(({ p99 }) => p99)))));
  const pad = 8;
  const x = (ms) => pad + ((Math.log10(Math.max(ms, 10 ** low)) - low) / (high - low)) * (width - 2 * pad);
  const bottom = STEPS.length * ROW;

  const crowded = width / (high - low) < 60;
  const ticks = [];
  for (let power = low; power <= high; power += 1) {
    const at = x(10 ** power);
    const [anchor, shift] = power === low ? ["start", -pad] : power === high ? ["end", pad] : ["middle", 0];
    const text = power < 3 ? `${10 ** power} ms` : `${10 ** (power - 3)} s`;
    ticks.push(svg("line", { class: "grid", x1: at, x2: at, y1: 22, y2: bottom + 2 }),
      svg("text", { class: "tick", x: at + shift, y: bottom + 18, "text-anchor": anchor },
        crowded && (high - power) % 2 ? "" : text));
  }
  const rows = STEPS.map(([name, title], i) => {
    const { p50, p99 } = steps[name];
    const y = i * ROW + 32;
    const label = svg("text", { class: "label", x: 0, y: y - 14 }, title);
    const right = { x: width, y: y - 14, "text-anchor": "end" };
    if (p99 === 0) return svg("g", {}, label, svg("text", { class: "tick", ...right }, "–"));
    return svg("g", {}, label,
      svg("text", { class: "value", ...right }, `${duration(p50)} · ${duration(p99)}`),
      svg("line", { class: "span", x1: x(p50), x2: x(p99), y1: y, y2: y }),
      svg("circle", { class: "dot half", cx: x(p50), cy: y, r: 6 }, svg("title", {}, `p50: ${duration(p50)}`)),
      svg("circle", { class: "dot tail", cx: x(p99), cy: y, r: 6 }, svg("title", {}, `p99: ${duration(p99)}`)));
  });
  const words = STEPS.map(([name, title]) =>
    `${title}: p50 ${duration(steps[name].p50)}, p99 ${duration(steps[name].p99)}`).join("; ");
  figure.replaceChildren(
    legend([["half", "p50: half of the orders are faster"], ["tail", "p99: 99 % of the orders are faster"]]),
    svg("svg", { viewBox: `0 0 ${width} ${bottom + 24}`, width, height: bottom + 24, role: "img", "aria-label": words },
      ticks, rows));
}

// ---- bars with names ---------------------------------------------------------------------------

// entries: [[name, count], …]
export function bars(entries) {
  const most = Math.max(...entries.map(([, n]) => n));
  const all = entries.reduce((sum, [, n]) => sum + n, 0);
  return el("ul", { class: "bars" }, entries.map(([name, n]) => el("li", {},
    el("span", { class: "name" }, name),
    el("span", { class: "count" }, number(n), el("small", {}, ` ${share(n, all)}`)),
    svg("svg", { width: "100%", height: 8, "aria-hidden": "true" },
      svg("rect", { class: "empty", width: "100%", height: 8, rx: 4 }),
      svg("rect", { class: "fill bad", width: `${(100 * n) / most}%`, height: 8, rx: 4 })))));
}
