// Keeps a page up to date: over a WebSocket, and by polling while there is none. The pill at the top shows the state of
// the connection. It depends on the age of the last sign of life (a frame or an answer), because a connection does not
// end by itself when a process is frozen or a network loses the packets.
import { byId, parse } from "./base.js";

const WORDS = {
  connecting: "Connecting", live: "Live", polling: "Live, by polling", away: "No connection", ended: "Final",
  partly: "Partly live", missing: "Not found", still: "Not live", quiet: "Reconnecting",
};
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 30_000;
const OPEN_WITHIN_MS = 10_000;
export const QUIET_MS = 7000; // longer than two intervals between signs of life, which are 2 or 3 s

// path         of the WebSocket; undefined: there is none, only polling
// poll()       reads over HTTP; resolves to whether an answer came, undefined: it sent no request
// received(m)  handles a message of the socket
// opened(send) may send the first messages
// everyMs      between two polls
export class Live {
  constructor({ path, poll, received, opened = () => {}, everyMs = 2000 }) {
    Object.assign(this, { path, poll, received, opened, everyMs });
    this.retryMs = FIRST_RETRY_MS;
    this.over = false;
    this.alive();
  }

  start() {
    this.show("connecting");
    this.pollNow();
    if (this.path) this.connect();
    this.checks = setInterval(() => this.check(), 1000);
    document.addEventListener("visibilitychange", () => {
      if (document.hidden || this.over) return;
      this.alive(); // no request was sent while the page was hidden
      if (!this.open) this.pollNow();
    });
    return this;
  }

  // Notes a sign of life.
  alive() {
    this.aliveAt = performance.now();
  }

  check() {
    if (document.hidden || performance.now() - this.aliveAt < QUIET_MS) return;
    if (this.open) this.drop();
    if (this.state === "live" || this.state === "polling") this.show("quiet");
  }

  // The data is final: closes the socket and ends the polling.
  end() {
    this.over = true;
    clearTimeout(this.pollTimer);
    clearTimeout(this.retryTimer);
    clearTimeout(this.openTimer);
    clearInterval(this.checks);
    this.socket?.close();
    this.show("ended");
  }

  connect() {
    if (this.over) return;
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    let socket;
    try {
      socket = new WebSocket(`${scheme}//${location.host}${this.path}`);
    } catch {
      this.lost();
      return;
    }
    this.socket = socket;
    this.openTimer = setTimeout(() => this.drop(), OPEN_WITHIN_MS);
    socket.onopen = () => {
      this.open = true;
      this.retryMs = FIRST_RETRY_MS;
      clearTimeout(this.openTimer);
      clearTimeout(this.pollTimer);
      this.alive();
      this.opened((message) => socket.send(JSON.stringify(message)));
    };
    socket.onmessage = (event) => {
      this.alive();
      this.show("live");
      const message = parse(event.data);
      if (message) this.received(message);
    };
    socket.onclose = () => this.lost();
  }

  // Does not wait for the end of the socket: the other side may never confirm the close.
  drop() {
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.socket.close();
    this.lost();
  }

  lost() {
    if (this.over) return;
    const wasOpen = this.open;
    this.open = false;
    clearTimeout(this.openTimer);
    if (wasOpen) this.pollNow();
    this.retryTimer = setTimeout(() => this.connect(), this.retryMs * (0.75 + Math.random() / 2));
    this.retryMs = Math.min(2 * this.retryMs, LAST_RETRY_MS);
  }

  async pollNow() {
    clearTimeout(this.pollTimer);
    const answer = await this.poll();
    if (answer) this.alive();
    if (this.over || this.open) return;
    if (answer !== undefined) this.show(answer ? "polling" : "away");
    clearTimeout(this.pollTimer);
    if (!document.hidden) this.pollTimer = setTimeout(() => this.pollNow(), this.everyMs);
  }

  // What the pill shows instead of "live" or "polling": "partly", "missing" or "still"; undefined: no other text.
  qualify(limit) {
    this.limit = limit;
    this.show(this.state);
  }

  show(state) {
    this.state = state;
    if (this.limit && (state === "live" || state === "polling")) state = this.limit;
    const pill = byId("connection");
    if (pill.dataset.state === state) return;
    pill.dataset.state = state;
    pill.textContent = WORDS[state];
  }
}
