// What the page knows: the events as the program on this machine holds them. Every change is sent
// there and shown when it is answered, so that the page never shows what is not so.

export class Model extends EventTarget {
  constructor() {
    super();
    this.facts = null;
    this.rows = new Map();
    this.revision = -1;
    this.counts = [];
    this.lookedAt = 0;
    this.all = 0;
    this.unsaved = "";
    this.selected = null;
    this.queue = Promise.resolve();
  }

  async open() {
    const facts = await this.get("api/session");
    this.facts = facts;
    this.take(facts);
    return facts;
  }

  // What can move, as a person chooses it: each region by its key, all of them by b.
  regions() {
    const { face, regions } = this.facts;
    return regions.map((word) => {
      const own = face.filter(({ name }) => word.split("+").includes(name));
      const every = own.length === face.length;
      const key = own.length === 1 ? own[0].key : every ? "b" : "";
      const title = `The ${own.map(({ part }) => part).join(" and the ")}${key && ` (${key})`}`;
      return { word, key, title, label: every && face.length === 2 ? "both" : word };
    });
  }

  get row() {
    return this.rows.get(this.selected) ?? null;
  }

  select(number, how = {}) {
    if (number !== null && !this.rows.has(number)) return;
    this.selected = number;
    this.tell("select", how);
  }

  change(fields, number = this.selected) {
    if (number === null) return Promise.resolve();
    return this.act(`api/events/${number}`, fields);
  }

  async add(fields) {
    const answer = await this.act("api/events", fields);
    if (answer) this.select(answer.touched, { stay: true });
  }

  async undo() {
    const answer = await this.act("api/undo", {});
    if (!answer) return;
    if (answer.touched === null) this.tell("message", "There is nothing to take back.");
    else if (this.rows.has(answer.touched)) this.select(answer.touched, { stay: true });
  }

  save() {
    return this.act("api/save", {});
  }

  reload() {
    return this.act("api/reload", {});
  }

  async keep() {
    const answer = await this.act("api/keep", {});
    if (answer) {
      this.facts.file = answer.file;
      this.tell("saved");
    }
  }

  // One after the other: each answer builds on the one before.
  act(path, fields) {
    const run = async () => {
      try {
        const answer = await this.post(path, { ...fields, revision: this.revision });
        this.take(answer);
        return answer;
      } catch (error) {
        this.tell("message", error.message);
        return null;
      }
    };
    this.queue = this.queue.then(run);
    return this.queue;
  }

  // Takes what another page has changed meanwhile.
  async refresh() {
    try {
      this.take(await this.get(`api/state?revision=${this.revision}`));
    } catch (error) {
      this.tell("message", error.message);
    }
  }

  take(answer) {
    if (answer.video) this.tell("video", answer.video);
    if (answer.whole) this.rows.clear();
    for (const row of answer.rows) this.rows.set(row.number, row);
    for (const number of answer.removed) this.rows.delete(number);
    this.revision = answer.revision;
    this.counts = answer.counts;
    this.lookedAt = answer.looked_at;
    this.all = answer.all;
    this.unsaved = answer.unsaved;
    if (this.selected !== null && !this.rows.has(this.selected)) this.selected = null;
    if (answer.whole || answer.rows.length || answer.removed.length) {
      this.tell("rows", { changed: answer.rows, removed: answer.removed, whole: answer.whole });
    }
    this.tell("saved");
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  get(path) {
    return this.ask(path, {});
  }

  post(path, body) {
    return this.ask(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  async ask(path, options) {
    let answer;
    try {
      answer = await fetch(path, { ...options, credentials: "same-origin", redirect: "error" });
    } catch {
      throw new Error(
        "The program does not answer: it has ended, and what you do here is not kept. " +
          "Start hfs-vision review again and open the new address.",
      );
    }
    const json = (answer.headers.get("content-type") ?? "").includes("json");
    const body = json ? await answer.json() : await answer.text();
    if (!answer.ok) throw new Error(json ? body.error : body);
    return body;
  }

  async traces(from, to, points) {
    const answer = await fetch(`api/traces?from=${from}&to=${to}&points=${points}`);
    if (!answer.ok) return null;
    const columns = Number(answer.headers.get("x-columns"));
    const values = new Float32Array(await answer.arrayBuffer());
    return { from, to, columns, values, length: values.length / columns };
  }
}

export function clock(seconds) {
  const sign = seconds < 0 ? "-" : "";
  const hundredths = Math.round(Math.abs(seconds) * 100);
  const minutes = Math.floor(hundredths / 6000);
  const rest = ((hundredths % 6000) / 100).toFixed(2).padStart(5, "0");
  const hours = Math.floor(minutes / 60);
  const upper = hours ? `${hours}:${String(minutes % 60).padStart(2, "0")}` : `${minutes}`;
  return `${sign}${upper}:${rest}`;
}

export const words = (name) => name.replaceAll("_", " ");

export function looked(row) {
  return row.verdict !== "";
}
