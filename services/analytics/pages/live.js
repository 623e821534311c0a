// Keeps a page up to date: by WebSocket, and by asking again and again while there is none.
import { byId, parse } from "./base.js";

const WORDS = {
  connecting: "Connecting", live: "Live", polling: "Live, by polling", away: "No connection", ended: "Final",
  partly: "Partly live", missing: "Not found", still: "Not live",
};
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 30_000;

// path         of the WebSocket; undefined: there is none, only polling
// poll()       asks by HTTP; says whether there was an answer
// received(m)  takes a message of the socket
// opened(send) may send the first messages
// everyMs      between two polls
// silenceMs    a socket that says nothing for so long is given up; 0: it may be silent
export class Live {
  constructor({ path, poll, received, opened = () => {}, everyMs = 2000, silenceMs = 0 }) {
    Object.assign(this, { path, poll, received, opened, everyMs, silenceMs });
    this.retryMs = FIRST_RETRY_MS;
    this.over = false;
  }

  start() {
    this.show("connecting");
    this.ask();
    if (this.path) this.connect();
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && !this.over && !this.open) this.ask();
    });
    return this;
  }

  // Nothing changes any more.
  end() {
    this.over = true;
    clearTimeout(this.pollTimer);
    clearTimeout(this.retryTimer);
    clearTimeout(this.silenceTimer);
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
    socket.onopen = () => {
      this.open = true;
      this.retryMs = FIRST_RETRY_MS;
      clearTimeout(this.pollTimer);
      this.show("live");
      this.heard();
      this.opened((message) => socket.send(JSON.stringify(message)));
    };
    socket.onmessage = (event) => {
      this.heard();
      const message = parse(event.data);
      if (message) this.received(message);
    };
    socket.onclose = () => this.lost();
  }

  lost() {
    if (this.over) return;
    const wasOpen = this.open;
    this.open = false;
    clearTimeout(this.silenceTimer);
    if (wasOpen) this.ask();
    this.retryTimer = setTimeout(() => this.connect(), this.retryMs * (0.75 + Math.random() / 2));
    this.retryMs = Math.min(2 * this.retryMs, LAST_RETRY_MS);
  }

  heard() {
    clearTimeout(this.silenceTimer);
    if (this.silenceMs) this.silenceTimer = setTimeout(() => this.socket.close(), this.silenceMs);
  }

  async ask() {
    clearTimeout(this.pollTimer);
    const answered = await this.poll();
    if (this.over || this.open) return;
    this.show(answered ? "polling" : "away");
    clearTimeout(this.pollTimer);
    if (!document.hidden) this.pollTimer = setTimeout(() => this.ask(), this.everyMs);
  }

  // While there is less to be had than the connection makes believe: "partly", "missing" or undefined.
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
