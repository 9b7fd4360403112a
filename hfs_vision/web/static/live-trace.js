// The rolling trace: each region of both sides in the last seconds.

const SPAN_S = 10;
const MAX_GAP_S = 0.25; // a longer one is no line
const DASH = [7, 3];
const LEFT = 58; // pixels for the names
const STRIP = 15; // of the events of one side

export class Trace {
  constructor(canvas, { sides, face }) {
    this.canvas = canvas;
    this.sides = sides;
    this.face = face;
    this.empty();
    this.empties = "";
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", () => this.recolour());
    new ResizeObserver(() => this.draw()).observe(canvas);
    this.recolour();
  }

  empty() {
    this.samples = { time_s: [] };
    for (const { name } of this.face) for (const side of this.sides) this.samples[`${name} ${side}`] = [];
    this.events = [];
    this.now = 0;
  }

  // New samples of a message; those that have left the trace go.
  take({ time_s, trace, events }) {
    this.now = time_s;
    this.events = events;
    const old = this.samples.time_s;
    let gone = 0;
    while (gone < old.length && old[gone] < time_s - SPAN_S - 1) gone += 1;
    for (const [name, values] of Object.entries(this.samples)) {
      values.splice(0, gone);
      values.push(...trace[name]);
    }
    this.draw();
  }

  get length() {
    return this.samples.time_s.length;
  }

  recolour() {
    const style = getComputedStyle(document.documentElement);
    this.ink = {};
    for (const name of ["text", "dim", "line", "left", "right"]) {
      this.ink[name] = style.getPropertyValue(`--${name}`).trim();
    }
    this.draw();
  }

  draw() {
    const { canvas } = this;
    const scale = devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (!width || !height) return;
    const size = [Math.round(width * scale), Math.round(height * scale)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    const c = canvas.getContext("2d");
    c.setTransform(scale, 0, 0, scale, 0, 0);
    c.clearRect(0, 0, width, height);
    c.font = "11px system-ui, sans-serif";
    const bottom = height - 16;
    const tall = (bottom - 2 * STRIP - 8) / this.face.length;
    const x = (time) => LEFT + (1 + (time - this.now) / SPAN_S) * (width - LEFT - 2);
    this.drawEvents(c, x, width, bottom);
    this.face.forEach((row, i) => this.drawRow(c, x, row, 2 * STRIP + 4 + i * (tall + 4), tall, width));
    this.drawTimes(c, x, width, height);
    if (!this.length && this.empties) {
      c.fillStyle = this.ink.dim;
      c.textAlign = "center";
      c.fillText(this.empties, LEFT + (width - LEFT) / 2, 2 * STRIP + 4 + tall / 2);
    }
  }

  drawEvents(c, x, width, bottom) {
    c.textAlign = "left";
    c.fillStyle = this.ink.dim;
    this.sides.forEach((side, i) => c.fillText(side, 2, (i + 1) * STRIP - 3));
    c.save();
    c.beginPath();
    c.rect(LEFT, 0, width - LEFT - 2, bottom);
    c.clip();
    for (const [onset, offset, side] of this.events) {
      const left = x(onset);
      const wide = Math.max(x(offset) - left, 2);
      c.fillStyle = this.ink[side];
      c.globalAlpha = 0.15;
      c.fillRect(left, 2 * STRIP, wide, bottom - 2 * STRIP);
      c.globalAlpha = 1;
      c.fillRect(left, this.sides.indexOf(side) * STRIP + 1, wide, STRIP - 2);
    }
    c.restore();
  }

  drawRow(c, x, { name, label, bounds, ticks }, top, tall, width) {
    const [low, high] = bounds;
    const y = (value) => top + tall - ((value - low) / (high - low)) * tall;
    c.lineWidth = 1;
    c.strokeStyle = this.ink.line;
    c.fillStyle = this.ink.dim;
    c.textAlign = "right";
    for (const [word, value] of ticks) {
      c.beginPath();
      c.moveTo(LEFT, y(value));
      c.lineTo(width - 2, y(value));
      c.stroke();
      c.fillText(word, LEFT - 4, y(value) + 4);
    }
    c.textAlign = "left";
    c.fillStyle = this.ink.text;
    const middle = (y(ticks[0][1]) + y(ticks[1][1])) / 2;
    c.fillText(label.split(" ")[0], 2, middle + 4); // of two words the first has room
    c.save();
    c.beginPath();
    c.rect(LEFT, top, width - LEFT - 2, tall);
    c.clip();
    this.sides.forEach((side, i) => this.drawLine(c, x, y, `${name} ${side}`, this.ink[side], i ? DASH : []));
    c.restore();
  }

  drawLine(c, x, y, column, colour, dash) {
    const times = this.samples.time_s;
    const values = this.samples[column];
    c.strokeStyle = colour;
    c.lineWidth = 2;
    c.setLineDash(dash);
    c.beginPath();
    let before = -Infinity;
    for (let i = 0; i < times.length; i++) {
      if (values[i] === null) {
        before = -Infinity;
        continue;
      }
      if (times[i] - before < MAX_GAP_S) c.lineTo(x(times[i]), y(values[i]));
      else c.moveTo(x(times[i]), y(values[i]));
      before = times[i];
    }
    c.stroke();
    c.setLineDash([]);
  }

  drawTimes(c, x, width, height) {
    c.fillStyle = this.ink.dim;
    for (let s = 0; s <= SPAN_S; s += 2) {
      c.textAlign = s ? "center" : "right";
      const at = s === 0 ? width - 2 : x(this.now - s);
      if (s < SPAN_S) c.fillText(s ? `−${s} s` : "now", at, height - 3);
    }
  }
}
