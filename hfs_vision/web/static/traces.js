// Two drawings of the traces: the whole recording, and the time around this moment.

import { clock } from "./model.js";

const SPANS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600];
const DASH = [7, 3];
const GRIP = { mouse: 7, touch: 18 };
const LEFT = 46; // pixels for the scale

export class Traces {
  constructor(model, player, overview, zoomed) {
    this.model = model;
    this.player = player;
    this.spanS = overview.clientWidth < 600 ? 5 : 10;
    this.from = player.start;
    this.part = null;
    this.loading = null;
    this.whole = null;
    this.drag = null;
    this.overview = new Picture(overview, (c, w, h) => this.drawOverview(c, w, h));
    this.zoomed = new Picture(zoomed, (c, w, h) => this.drawZoomed(c, w, h));
    this.centre(player.now);
    player.addEventListener("time", () => this.follow());
    model.addEventListener("rows", () => this.stale());
    model.addEventListener("select", ({ detail }) => this.goTo(detail));
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", () => this.recolour());
    new ResizeObserver(() => this.resize()).observe(overview);
    new ResizeObserver(() => this.resize()).observe(zoomed);
    this.recolour();
    this.listen(overview, zoomed);
  }

  // ------------------------------------------------------------------ what is in view

  get to() {
    return this.from + this.spanS;
  }

  goTo({ stay = false } = {}) {
    const { row } = this.model;
    if (row && !stay) {
      const length = row.offset_s - row.onset_s;
      if (length > 0.7 * this.spanS) this.setSpan(SPANS.find((s) => s > 1.5 * length) ?? 3600);
      this.centre((row.onset_s + row.offset_s) / 2);
    }
    this.stale();
  }

  zoom(by) {
    const at = SPANS.findIndex((span) => span >= this.spanS);
    this.setSpan(SPANS[Math.min(Math.max(at + by, 0), SPANS.length - 1)]);
    this.centre(this.player.now);
  }

  setSpan(spanS) {
    this.spanS = spanS;
    this.dispatch?.(spanS);
  }

  centre(time) {
    this.from = time - this.spanS / 2;
    this.fetch();
    this.stale();
  }

  follow() {
    const { now } = this.player;
    if (!this.drag && (now < this.from || now > this.to)) {
      this.from = now - 0.15 * this.spanS;
      this.fetch();
      this.stale();
    }
    this.overview.request(false);
    this.zoomed.request(false);
  }

  stale() {
    this.overview.request(true);
    this.zoomed.request(true);
  }

  resize() {
    this.loadWhole();
    this.fetch();
    this.stale();
  }

  // ------------------------------------------------------------------ data

  async loadWhole() {
    const points = Math.min(Math.max(Math.round(this.overview.width), 200), 4000);
    if (this.whole && Math.abs(this.whole.asked - points) < 0.3 * points) return;
    const { start, end } = this.player;
    const table = await this.model.traces(start, end, points).catch(() => null);
    if (!table) return;
    table.asked = points;
    this.whole = table;
    this.overview.request(true);
  }

  // Three times of what is in view, so that little steps need no more.
  async fetch() {
    const { from, to, spanS } = this;
    const { part } = this;
    if (part && part.span === spanS && part.from <= from && part.to >= to) return;
    const wanted = `${from} ${spanS}`;
    if (this.loading) {
      this.again = true;
      return;
    }
    this.loading = wanted;
    const points = Math.min(Math.round(3 * Math.max(this.zoomed.width, 300)), 8000);
    const table = await this.model.traces(from - spanS, to + spanS, points).catch(() => null);
    this.loading = null;
    if (table) {
      table.span = spanS;
      this.part = table;
      this.zoomed.request(true);
    }
    if (this.again) {
      this.again = false;
      this.fetch();
    }
  }

  // The time of the next picture, or of the one before, as far as they are loaded one by one.
  neighbour(time, by) {
    const { part } = this;
    const fallback = time + by / (this.model.facts.fps ?? 30);
    if (!part || part.length < 2 || time < part.from || time > part.to) return fallback;
    const at = (i) => part.from + part.values[i * part.columns];
    let low = 0;
    let high = part.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (at(middle) <= time + 1e-3) low = middle + 1;
      else high = middle;
    }
    const here = Math.max(low - 1, 0);
    const next = by > 0 ? low : Math.abs(at(here) - time) < 2e-3 ? here - 1 : here;
    if (next < 0 || next >= part.length) return fallback;
    const step = Math.abs(at(next) - time);
    return step > 0.2 ? fallback : at(next);
  }

  // Place of a column in a row, by its name in hfs_vision/web/traces.py.
  column(name) {
    return this.model.facts.columns.indexOf(name);
  }

  // Which side and region move most at a time, for an event that is added there.
  guess(from, to) {
    const { part } = this;
    const { face, sides } = this.model.facts;
    const best = { side: this.model.row?.side ?? sides[0], region: face[0].name, score: 0 };
    for (let i = 0; part && i < part.length; i++) {
      const row = i * part.columns;
      const time = part.from + part.values[row];
      if (time < from || time > to) continue;
      for (const { name } of face) {
        for (const side of sides) {
          const score = part.values[row + this.column(`${name}_score_${side}`)];
          if (score > best.score) Object.assign(best, { side, region: name, score });
        }
      }
    }
    return { side: best.side, region: best.region };
  }

  // ------------------------------------------------------------------ drawing

  recolour() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    this.ink = {
      text: colour("text"),
      dim: colour("dim"),
      grid: colour("line"),
      gap: colour("gap"),
      accent: colour("accent"),
      back: colour("panel"),
      left: colour("left"),
      right: colour("right"),
      view: colour("view"),
    };
    this.stale();
  }

  drawOverview(c, width, height) {
    const { start, end } = this.player;
    const x = (time) => LEFT + ((time - start) / (end - start)) * (width - LEFT - 2);
    const { ink } = this;
    const half = (height - 14) / 2;
    this.gaps(c, x, 0, height - 14, start, end);
    const seen = [x(Math.max(this.from, start)), x(Math.min(this.to, end))];
    c.fillStyle = ink.view;
    c.fillRect(seen[0], 0, Math.max(seen[1] - seen[0], 2), height - 14);
    ["left", "right"].forEach((side, index) => {
      this.scores(c, x, side, index * half, half);
      c.fillStyle = ink.dim;
      c.fillText(side, 2, index * half + half / 2 + 4);
    });
    for (const row of this.model.rows.values()) {
      const top = (row.side === "left" ? 0 : half) + 3;
      const left = x(row.onset_s);
      const wide = Math.max(x(row.offset_s) - left, 2.5);
      c.globalAlpha = row.verdict === "rejected" ? 0.25 : 1;
      c.fillStyle = ink[row.side];
      c.fillRect(left, top, wide, half - 6);
      if (row.number === this.model.selected) {
        c.globalAlpha = 1;
        c.strokeStyle = ink.text;
        c.lineWidth = 1.5;
        c.strokeRect(left - 2, top - 2, wide + 4, half - 2);
      }
    }
    c.globalAlpha = 1;
    c.strokeStyle = ink.grid;
    c.lineWidth = 1;
    c.strokeRect(LEFT, half, width - LEFT - 2, 0);
    this.ticks(c, x, start, end, width, height);
  }

  scores(c, x, side, top, height) {
    const { whole, ink } = this;
    if (!whole) return;
    const columns = this.model.facts.face.map(({ name }) => this.column(`${name}_score_${side}`));
    c.fillStyle = ink.gap;
    for (let i = 0; i < whole.length; i++) {
      const score = Math.max(...columns.map((column) => whole.values[i * whole.columns + column] || 0));
      const tall = Math.min(score / 4, 1) * (height - 2);
      if (tall > 0.5) c.fillRect(x(whole.from + whole.values[i * whole.columns]), top + height - tall, 1, tall);
    }
  }

  drawZoomed(c, width, height) {
    const { from, to, ink, model } = this;
    const x = (time) => LEFT + ((time - from) / this.spanS) * (width - LEFT - 2);
    const strip = 15;
    const bottom = height - 16;
    const { face } = model.facts;
    const tall = (bottom - 2 * strip - 4 * face.length) / face.length;
    c.save();
    c.beginPath();
    c.rect(LEFT, 0, width - LEFT - 2, height);
    c.clip();
    this.gaps(c, x, 2 * strip, bottom, from, to);
    for (const row of model.rows.values()) {
      if (row.offset_s >= from && row.onset_s <= to) this.event(c, x, row, strip, bottom);
    }
    c.restore();
    face.forEach((region, i) => this.lane(c, x, region, 2 * strip + 4 + i * (tall + 4), tall, width));
    c.fillStyle = ink.dim;
    c.fillText("left", 2, strip - 3);
    c.fillText("right", 2, 2 * strip - 3);
    if (!this.part?.length) {
      c.fillStyle = ink.dim;
      c.fillText(model.facts.frames ? "" : "There is no signals.csv: no traces.", LEFT + 8, 2 * strip + 24);
    }
    if (model.row) this.handles(c, x, model.row, strip, bottom);
    this.ticks(c, x, from, to, width, height);
  }

  // Events in a strip for each side, and their time through both lanes.
  event(c, x, row, strip, bottom) {
    const { ink, model } = this;
    const own = this.edges(row);
    const left = x(own.onset);
    const wide = Math.max(x(own.offset) - left, 2);
    const top = row.side === "left" ? 1 : strip + 1;
    const chosen = row.number === model.selected;
    const rejected = row.verdict === "rejected";
    c.strokeStyle = c.fillStyle = ink[row.side];
    c.globalAlpha = rejected ? 0 : chosen ? 0.28 : 0.13;
    c.fillRect(left, 2 * strip, wide, bottom - 2 * strip);
    c.globalAlpha = 1;
    c.lineWidth = 1.5;
    c.setLineDash(rejected ? [3, 3] : []);
    if (rejected) c.strokeRect(left + 1, top + 1, Math.max(wide - 2, 1), strip - 4);
    else c.fillRect(left, top, wide, strip - 2);
    c.setLineDash([]);
    const sign = { accepted: "✓", added: "+", rejected: "✗" }[row.verdict];
    if (sign && wide > 10) {
      c.fillStyle = rejected ? ink.text : "#000";
      c.fillText(sign, left + 3, top + strip - 5);
    }
  }

  // Where the events' edges are, or are being dragged to.
  edges(row) {
    const { drag } = this;
    const edges = { onset: row.onset_s, offset: row.offset_s };
    if (drag?.edge && drag.number === row.number) edges[drag.edge] = drag.time;
    return edges;
  }

  handles(c, x, row, strip, bottom) {
    const { ink } = this;
    const edges = this.edges(row);
    c.strokeStyle = c.fillStyle = ink.text;
    c.lineWidth = 1.5;
    for (const [name, time] of Object.entries(edges)) {
      const at = x(time);
      if (at < LEFT - 1) continue;
      c.beginPath();
      c.moveTo(at, 0);
      c.lineTo(at, bottom);
      c.stroke();
      const outwards = name === "onset" ? -1 : 1;
      c.beginPath();
      c.moveTo(at, bottom - 22);
      c.lineTo(at + outwards * 10, bottom - 15);
      c.lineTo(at, bottom - 8);
      c.fill();
    }
  }

  lane(c, x, region, top, height, width) {
    const { ink } = this;
    const { amplitude, fixed, ticks, plot_name } = region;
    const [low, high] = fixed ? region.bounds : this.bounds(region);
    const y = (value) => top + height - ((value - low) / (high - low)) * height;
    const marks = fixed ? ticks.map(([, value]) => value) : [0, Number((high * 0.8).toFixed(2))];
    c.strokeStyle = ink.grid;
    c.fillStyle = ink.dim;
    c.lineWidth = 1;
    c.textAlign = "right";
    for (const mark of marks) {
      c.beginPath();
      c.moveTo(LEFT, y(mark));
      c.lineTo(width - 2, y(mark));
      c.stroke();
      c.fillText(String(mark), LEFT - 4, y(mark) + 4);
    }
    c.textAlign = "left";
    c.fillStyle = ink.text;
    c.fillText(plot_name, 2, top + height / 2 + 4);
    c.save();
    c.beginPath();
    c.rect(LEFT, top, width - LEFT - 2, height);
    c.clip();
    this.line(c, x, y, this.column(`${amplitude}_left_min`), ink.left, []);
    this.line(c, x, y, this.column(`${amplitude}_right_min`), ink.right, DASH);
    c.restore();
  }

  // Least and largest value of each point, so that no peak is lost; broken where nothing was measured.
  line(c, x, y, column, colour, dash) {
    const { part } = this;
    if (!part) return;
    c.strokeStyle = colour;
    c.lineWidth = 1.8;
    c.setLineDash(dash);
    c.beginPath();
    let drawing = false;
    let before = -Infinity;
    for (let i = 0; i < part.length; i++) {
      const row = i * part.columns;
      const time = part.from + part.values[row];
      if (time < this.from - 1 || time > this.to + 1) continue;
      const low = part.values[row + column];
      const high = part.values[row + column + 1];
      if (Number.isNaN(low)) {
        drawing = false;
        continue;
      }
      const at = x(time);
      if (drawing && time - before < 1) c.lineTo(at, y(low));
      else c.moveTo(at, y(low));
      if (high !== low) c.lineTo(at, y(high));
      drawing = true;
      before = time;
    }
    c.stroke();
    c.setLineDash([]);
  }

  // Of a region whose scale grows with what is in view.
  bounds({ amplitude, usual_peak }) {
    const { part } = this;
    const columns = ["left", "right"].map((side) => this.column(`${amplitude}_${side}_max`));
    let high = 0.8 * usual_peak;
    for (let i = 0; part && i < part.length; i++) {
      for (const column of columns) high = Math.max(high, part.values[i * part.columns + column] || 0);
    }
    return [-0.4 * high, 1.15 * high];
  }

  gaps(c, x, top, bottom, from, to) {
    c.fillStyle = this.ink.gap;
    for (const [start, end] of this.model.facts.gaps) {
      if (end < from || start > to) continue;
      c.fillRect(x(start), top, Math.max(x(end) - x(start), 1), bottom - top);
    }
  }

  ticks(c, x, from, to, width, height) {
    const room = (to - from) / ((width - LEFT) / 90);
    const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600];
    const step = steps.find((s) => s >= room) ?? 7200;
    c.fillStyle = this.ink.dim;
    c.strokeStyle = this.ink.grid;
    c.textAlign = "center";
    for (let k = Math.ceil(from / step); k * step <= to; k++) {
      const at = x(k * step);
      if (at < LEFT) continue;
      c.beginPath();
      c.moveTo(at, height - 14);
      c.lineTo(at, height - 11);
      c.stroke();
      const text = step >= 1 ? clock(k * step).replace(/\.\d+$/, "") : clock(k * step).slice(0, -1);
      if (at > LEFT + 12 && at < width - 18) c.fillText(text, at, height - 2);
    }
    c.textAlign = "left";
  }

  cursor(c, width, height, from, to) {
    const at = LEFT + ((this.player.now - from) / (to - from)) * (width - LEFT - 2);
    if (at < LEFT || at > width) return;
    c.fillStyle = this.ink.accent;
    c.fillRect(at - 1, 0, 2, height - 12);
  }

  // ------------------------------------------------------------------ pointer

  listen(overview, zoomed) {
    this.overview.above = (c, w, h) => this.cursor(c, w, h, this.player.start, this.player.end);
    this.zoomed.above = (c, w, h) => this.cursor(c, w, h, this.from, this.to);
    const { player } = this;
    const inWhole = (event) => {
      const share = (event.offsetX - LEFT) / (this.overview.width - LEFT - 2);
      return player.start + share * (player.end - player.start);
    };
    dragged(overview, {
      down: (event) => this.jump(inWhole(event)),
      move: (event) => this.jump(inWhole(event)),
    });
    dragged(zoomed, {
      down: (event) => this.press(event),
      move: (event) => this.pull(event),
      up: (event) => this.release(event),
      cancel: () => {
        this.drag = null;
        this.stale();
      },
    });
    zoomed.addEventListener("pointermove", (event) => {
      if (!this.drag) zoomed.classList.toggle("edge", this.grip(event) !== null);
    });
  }

  jump(time) {
    this.player.seek(time);
    this.centre(this.player.now);
  }

  timeAt(event) {
    return this.from + ((event.offsetX - LEFT) / (this.zoomed.width - LEFT - 2)) * this.spanS;
  }

  grip(event) {
    const { row } = this.model;
    if (!row) return null;
    const reach = GRIP[event.pointerType] ?? GRIP.mouse;
    const away = (time) => Math.abs(this.timeAt(event) - time) * ((this.zoomed.width - LEFT) / this.spanS);
    const near = away(row.onset_s) < away(row.offset_s) ? "onset" : "offset";
    return away(row[`${near}_s`]) <= reach ? near : null;
  }

  press(event) {
    const edge = this.grip(event);
    if (edge) {
      const { row } = this.model;
      this.drag = { edge, number: row.number, time: row[`${edge}_s`], moved: false };
      return;
    }
    const time = this.timeAt(event);
    if (event.offsetY < 30) {
      const side = event.offsetY < 15 ? "left" : "right";
      const hit = [...this.model.rows.values()].find(
        (row) => row.side === side && row.onset_s <= time && row.offset_s >= time,
      );
      if (hit) {
        this.model.select(hit.number);
        return;
      }
    }
    this.drag = { edge: null };
    this.player.seek(time);
  }

  pull(event) {
    const { drag } = this;
    if (!drag) return;
    const time = Math.min(Math.max(this.timeAt(event), this.player.start), this.player.end);
    if (drag.edge) {
      const row = this.model.rows.get(drag.number);
      if (!row) return;
      // An event keeps a length.
      drag.time = drag.edge === "onset" ? Math.min(time, row.offset_s - 0.02) : Math.max(time, row.onset_s + 0.02);
      drag.moved = true;
      this.stale();
    }
    this.player.seek(drag.edge ? drag.time : time);
  }

  async release() {
    const { drag } = this;
    if (drag?.moved) {
      // The mark stays where it was let go until the answer is here.
      await this.model.change({ [`${drag.edge}_s`]: Number(drag.time.toFixed(6)) }, drag.number);
    }
    if (this.drag === drag) this.drag = null;
    this.stale();
  }
}

// A canvas in the screen's own pixels. What seldom changes is kept, what moves is drawn above it.
class Picture {
  constructor(canvas, draw) {
    this.canvas = canvas;
    this.draw = draw;
    this.above = () => {};
    this.kept = document.createElement("canvas");
    this.due = false;
    this.stale = true;
  }

  get width() {
    return this.canvas.clientWidth;
  }

  request(stale) {
    this.stale ||= stale;
    if (this.due) return;
    this.due = true;
    requestAnimationFrame(() => this.paint());
  }

  paint() {
    this.due = false;
    const { canvas, kept } = this;
    const scale = devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (!width || !height) return;
    const size = [Math.round(width * scale), Math.round(height * scale)];
    if (kept.width !== size[0] || kept.height !== size[1]) {
      [kept.width, kept.height] = [canvas.width, canvas.height] = size;
      this.stale = true;
    }
    if (this.stale) {
      this.stale = false;
      const c = kept.getContext("2d");
      c.setTransform(scale, 0, 0, scale, 0, 0);
      c.clearRect(0, 0, width, height);
      c.font = "11px system-ui, sans-serif";
      c.textAlign = "left";
      this.draw(c, width, height);
    }
    const c = canvas.getContext("2d");
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.clearRect(0, 0, canvas.width, canvas.height);
    c.drawImage(kept, 0, 0);
    c.setTransform(scale, 0, 0, scale, 0, 0);
    this.above(c, width, height);
  }
}

function dragged(element, { down, move, up = () => {}, cancel = () => {} }) {
  let held = null;
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || held !== null) return;
    held = event.pointerId;
    element.setPointerCapture(held);
    down(event);
  });
  element.addEventListener("pointermove", (event) => {
    if (event.pointerId === held) move(event);
  });
  element.addEventListener("pointerup", (event) => {
    if (event.pointerId !== held) return;
    held = null;
    up(event);
  });
  element.addEventListener("pointercancel", (event) => {
    if (event.pointerId !== held) return;
    held = null;
    cancel(event);
  });
}
