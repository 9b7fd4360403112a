// The mirror: fetches one picture after the other, each once the one before is drawn, so that a
// slow browser gets fewer of them and none waits.

const NUMBER = "x-hfs-vision-number";
const OUTLINES = "x-hfs-vision-outlines";
const AGAIN_MS = 1000;
const REST = "#d7d7d7";
const COLOURS = { left: "#56b4e9", right: "#e69f00" };

export class Mirror {
  constructor(canvas) {
    this.canvas = canvas;
    this.overlay = true;
    this.running = false;
    this.drawn = 0; // pictures so far
    this.number = -1;
    this.last = null;
  }

  start() {
    if (this.running) return;
    this.running = true;
    this.stopped = new AbortController();
    this.run(this.stopped.signal);
  }

  stop() {
    this.running = false;
    this.stopped?.abort();
  }

  async run(signal) {
    while (!signal.aborted) {
      try {
        await this.next(signal);
      } catch {
        if (!signal.aborted) await new Promise((done) => setTimeout(done, AGAIN_MS));
      }
    }
  }

  async next(signal) {
    const answer = await fetch(`api/live/picture?after=${this.number}`, { signal });
    if (answer.status === 204) {
      await new Promise((done) => setTimeout(done, 50));
      return;
    }
    if (!answer.ok) throw new Error(`${answer.status}`);
    const image = await createImageBitmap(await answer.blob());
    if (signal.aborted) return;
    this.number = Number(answer.headers.get(NUMBER));
    this.last?.image.close();
    this.last = { image, outlines: JSON.parse(answer.headers.get(OUTLINES)) };
    this.drawn += 1;
    this.draw();
  }

  // The session is over: no picture stays behind.
  forget() {
    this.stop();
    this.last?.image.close();
    this.last = null;
    this.canvas.width = this.canvas.height = 0;
  }

  toggle() {
    this.overlay = !this.overlay;
    this.draw();
  }

  draw() {
    if (!this.last) return;
    const { image, outlines } = this.last;
    const { canvas } = this;
    // Finer than the picture where the screen is, so that the outlines are not ragged; no finer,
    // for it is drawn 20 times a second beside a session that needs the processor.
    const fine = canvas.clientWidth * (devicePixelRatio || 1) > 1.3 * image.width ? 2 : 1;
    const width = fine * image.width;
    const height = fine * image.height;
    if (canvas.width !== width || canvas.height !== height) {
      [canvas.width, canvas.height] = [width, height];
      canvas.parentElement.style.setProperty("--aspect", String(width / height));
    }
    const c = canvas.getContext("2d");
    c.setTransform(-1, 0, 0, 1, width, 0);
    c.drawImage(image, 0, 0, width, height);
    c.setTransform(1, 0, 0, 1, 0, 0);
    if (!this.overlay) return;
    const place = ([x, y]) => [(1 - x) * width, y * height];
    for (const { side, lids, corner, eye, mouth } of outlines) {
      this.lids(c, lids.map(place), eye ? COLOURS[side] : REST, eye ? 2.5 * fine : fine);
      this.corner(c, place(corner), mouth ? COLOURS[side] : REST, mouth ? fine : fine / 2, side);
    }
  }

  lids(c, points, colour, width) {
    c.strokeStyle = colour;
    c.lineWidth = width;
    c.lineJoin = "round";
    c.beginPath();
    points.forEach(([x, y], i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)));
    c.closePath();
    c.stroke();
  }

  // A circle at the left corner, a square at the right one: told apart without colour.
  corner(c, [x, y], colour, size, side) {
    c.strokeStyle = colour;
    c.lineWidth = 2.5 * size;
    const far = 7 * size;
    c.beginPath();
    if (side === "left") c.arc(x, y, far, 0, 2 * Math.PI);
    else c.rect(x - far, y - far, 2 * far, 2 * far);
    c.stroke();
  }
}
