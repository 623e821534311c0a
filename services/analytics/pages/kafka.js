// Kafka: topics, groups, and the records of the partition that the address names.
import { answered, byId, changed, draw, el, get, moment, number, orderLink, setText, table } from "./base.js";
import { Live } from "./live.js";

const UPDATE_EVERY_MS = 3000;
const PAGE = 20; // records
const address = new URLSearchParams(location.search);
const [topic, partition, before] = ["topic", "partition", "before"].map((name) => address.get(name));
const ORDER_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const sum = (list, of) => list.reduce((total, one) => total + of(one), 0);
const held = ({ begin, end }) => end - begin;

function place(to, number, below) {
  const query = new URLSearchParams({ topic: to, partition: String(number) });
  if (below !== undefined) query.set("before", String(below));
  return `/kafka?${query}`;
}

// ---- parts that the reader can open, and that stay open when the page is drawn again --------------

const opened = new Set();
function fold(key, summary, body) {
  const node = el("details", { class: "fold", open: opened.has(key) ? "" : null }, el("summary", {}, summary), body);
  node.addEventListener("toggle", () => (node.open ? opened.add(key) : opened.delete(key)));
  return node;
}

// ---- topics --------------------------------------------------------------------------------------

// The partition with the most records.
const fullest = (partitions) => partitions.reduce((most, one) => (held(one) > held(most) ? one : most), partitions[0]);

function health({ partitions, trouble }) {
  if (trouble && partitions.length === 0) return el("span", { class: "badge bad", title: trouble }, "Missing");
  if (partitions.some(({ leader }) => leader === undefined)) return el("span", { class: "badge bad" }, "No leader");
  if (trouble) return el("span", { class: "badge bad", title: trouble }, "Incomplete");
  const behind = partitions.filter(({ inSync, replicas }) => inSync < replicas).length;
  if (behind > 0) return el("span", { class: "badge open" }, `${behind} not in sync`);
  return el("span", { class: "badge good" }, "In sync");
}

function showTopics(topics) {
  draw(byId("topics"), topics, () => table("Topics",
    [["Topic", ""], ["Partitions", "number"], ["Replicas", "number"], ["Records", "number"],
      ["Written", "number", "Written in total"], ["State", ""]],
    topics.map((one) => [
      one.partitions.length
        ? el("a", { href: place(one.topic, fullest(one.partitions).partition) }, one.topic) : one.topic,
      number(one.partitions.length), one.partitions.length ? number(one.partitions[0].replicas) : "–",
      number(sum(one.partitions, held)), number(sum(one.partitions, ({ end }) => end)), health(one)])));
  const mine = topics.find((one) => one.topic === topic);
  if (!mine) return;
  draw(byId("partitions"), mine.partitions, () => mine.partitions.map((one) =>
    el("a", { href: place(topic, one.partition), class: "chip",
      "aria-current": String(one.partition) === partition ? "page" : null,
      title: `offsets ${number(one.begin)} up to ${number(one.end)}` },
    el("b", {}, String(one.partition)), ` ${number(held(one))}`)));
}

// ---- groups --------------------------------------------------------------------------------------

function memberName(group, id) {
  const at = group.members.findIndex((member) => member.id === id);
  if (at < 0) return el("small", {}, "no member");
  const { clientId, host } = group.members[at];
  return el("span", {}, `${clientId} ${at + 1}`, el("small", {}, ` ${host.replace(/^\//, "")}`));
}

function groupState(group) {
  if (group.trouble) {
    return el("span", { class: "badge bad", title: group.trouble }, group.partitions.length ? "Incomplete" : "Unknown");
  }
  if (group.rebalancing) return el("span", { class: "badge open" }, "Rebalancing");
  if (group.members.length === 0) return el("span", { class: "badge bad" }, "No members");
  return el("span", { class: "badge good" }, "Reading");
}

function groupPartitions(group) {
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Partitions of ${group.group}` },
    table(`Partitions of ${group.group}`,
      [["Place", "", "Partition"], ["Committed", "number"], ["End", "number"], ["Lag", "number"],
        ["By", "", "Read by"]],
      group.partitions.map((at) => [el("a", { href: place(at.topic, at.partition) }, `${at.topic} / ${at.partition}`),
        at.committed === undefined ? "–" : number(at.committed), number(at.end), number(at.lag),
        memberName(group, at.owner)])));
}

function showGroups(groups) {
  draw(byId("groups"), groups, () => table("Consumer groups",
    [["Group", ""], ["Lag", "number"], ["Members", "number"], ["Idle", "number"], ["State", ""], ["Reads", ""]],
    groups.map((group) => [el("b", { class: "group" }, group.group),
      group.partitions.length ? number(group.lag) : "–", number(group.members.length),
      group.idle === undefined ? "–" : number(group.idle), groupState(group),
      group.partitions.length
        ? fold(`group ${group.group}`, `${number(group.partitions.length)} partitions`, groupPartitions(group))
        : "–"])));
}

// ---- records -------------------------------------------------------------------------------------

const header = (record, name) => record.headers.find((one) => one.name === name)?.value;
const MASK = "•••";
const maskedOr = (text, shown) =>
  (text === MASK ? el("span", { class: "masked", title: "may be personal data" }, MASK) : shown(text));
const keyText = (key) => maskedOr(key, () => (ORDER_ID.test(key) ? orderLink(key) : el("bdi", { class: "id" }, key)));

// The value as indented JSON, with its masked texts marked.
function json(value, indent = "") {
  if (value === MASK) return [maskedOr(value)];
  if (typeof value !== "object" || value === null) {
    return [typeof value === "bigint" ? String(value) : JSON.stringify(value)];
  }
  const list = Array.isArray(value);
  const entries = Object.entries(value);
  if (entries.length === 0) return [list ? "[]" : "{}"];
  const inner = `${indent}  `;
  const lines = entries.flatMap(([name, member], i) => [inner,
    ...(list ? [] : [el("b", {}, JSON.stringify(name)), ": "]),
    ...json(member, inner), i < entries.length - 1 ? ",\n" : "\n"]);
  return [list ? "[\n" : "{\n", ...lines, indent, list ? "]" : "}"];
}

// In an announcement of a record that could not be handled: a link to that record.
function original({ value }) {
  const at = value?.originalMessage;
  return at && el("p", { class: "explained" }, "About the record ",
    el("a", { href: place(at.topic, at.partition, at.offset + 1) },
      `${at.topic} / ${at.partition} / ${number(at.offset)}`),
    ". For its error: ", el("code", {}, "orderctl records list"));
}

function body(record) {
  return el("div", { class: "record" },
    el("dl", { class: "headers" }, record.headers.map(({ name, value }) =>
      el("div", {}, el("dt", {}, name), el("dd", {}, maskedOr(value, () => el("bdi", {}, value)))))),
    record.moreHeaders ? el("p", {}, `and ${number(record.moreHeaders)} more headers`) : "",
    record.value ? el("pre", {}, el("code", {}, json(record.value)))
      : el("p", { class: "empty" }, `${number(record.bytes)} bytes that are not an event of the catalog`),
    original(record));
}

const kept = new Map(); // offset → the record's node on the page
function recordNode(record) {
  const known = kept.get(record.offset);
  if (known) return known;
  const type = record.value ? header(record, "ce_type").replace(/\.v\d+$/, "") : "Unknown";
  return el("li", {}, fold(`record ${record.offset}`, el("span", { class: "line" },
    el("span", { class: "offset" }, number(record.offset)), el("b", {}, type),
    el("span", { class: "subject" }, record.key === undefined ? el("small", {}, "no key") : keyText(record.key)),
    record.time ? moment(record.time, { precise: true }) : ""), body(record)));
}

function showRecords(answer) {
  if (!changed(byId("records"), answer)) return;
  const nodes = answer.records.map((record) => [record.offset, recordNode(record)]);
  kept.clear();
  for (const [offset, node] of nodes) kept.set(offset, node);
  byId("records").replaceChildren(nodes.length
    ? el("ol", { class: "records", "aria-label": "Records, newest first" }, nodes.map(([, node]) => node))
    : el("p", { class: "empty" },
      answer.end > answer.begin ? "There are no records at these offsets." : "This partition is empty."));
  setText("records-hint", nodes.length
    ? `partition ${partition}, newest first, ${before === null ? "the latest" : "older ones"}`
    : `partition ${partition}`);
  byId("pages").replaceChildren(...[
    before === null ? null : el("a", { href: place(topic, partition) }, "Newest"),
    answer.from > answer.begin ? el("a", { href: place(topic, partition, answer.from), id: "older" }, "Older") : null,
  ].filter(Boolean));
}

function noRecords({ status, body: problem }) {
  if (!changed(byId("records"), status)) return;
  byId("records").replaceChildren(el("p", { class: "empty" }, status === 404 ? "There is no such partition."
    : status === 400 ? `This request is not valid: ${problem?.detail ?? "the address is not valid"}.`
      : "Kafka does not answer. Try again in a moment."));
}

async function update() {
  const query = new URLSearchParams({ topic, partition: partition ?? "0", limit: String(PAGE) });
  if (before !== null) query.set("before", before);
  const nothing = { status: 200 };
  const [topics, groups, records] = await Promise.all([get("/api/kafka/topics"), get("/api/kafka/groups"),
    topic === null ? nothing : get(`/api/kafka/records?${query}`)]);
  if (topics.status === 200) showTopics(topics.body.topics);
  if (groups.status === 200) showGroups(groups.body.groups);
  if (records.body && records.status === 200) showRecords(records.body);
  else if (topic !== null && (answered(records.status) || kept.size === 0)) noRecords(records);
  const unavailable = [topics, groups, records].some(({ status }) => status === 503);
  byId("note").hidden = !unavailable;
  setText("note", unavailable ? "Kafka does not answer. The data on this page may be old." : "");
  byId("content").setAttribute("aria-busy", "false");
  live.qualify(unavailable ? "partly" : undefined);
  return topics.status !== 0;
}

if (topic !== null) {
  byId("records-card").hidden = false;
  setText("records-title", topic);
  document.title = `${topic} · Kafka · orderflow`;
}
const live = new Live({ poll: update, everyMs: UPDATE_EVERY_MS });
live.start();
