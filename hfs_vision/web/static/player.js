// The moment that is shown, on the recording's own clock; the video follows it, or is followed.

const EDGE_S = 0.5;
// A time in a table is rounded, and may lie just before the picture that it is of.
const ROUNDED_S = 0.0005;

export class Player extends EventTarget {
  constructor(video, facts) {
    super();
    this.video = video;
    this.start = facts.start_s;
    this.end = facts.end_s;
    this.now = facts.start_s;
    this.rate = 1;
    this.loop = true;
    this.range = null;
    this.shift = null; // recording's clock minus the browser's
    this.playing = false;
    this.last = null;
    this.wanted = null;
    video.addEventListener("seeked", () => this.settle());
    video.addEventListener("ended", () => this.wrapOr(() => this.pause()));
    video.addEventListener("error", () => this.fail());
  }

  // Loads the video; `firstS` is when its first picture is due on the recording's clock.
  load(source, firstS) {
    this.shift = null;
    const video = this.video;
    const known = (mediaTime) => {
      this.shift = firstS - mediaTime;
      this.dispatchEvent(new Event("ready"));
      this.seek(this.now);
    };
    if (video.requestVideoFrameCallback) {
      video.requestVideoFrameCallback((_, frame) => known(frame.mediaTime));
    } else {
      video.addEventListener("loadeddata", () => known(0), { once: true });
    }
    video.src = source;
    video.playbackRate = video.defaultPlaybackRate = this.rate;
  }

  fail() {
    this.shift = null;
    this.pause();
    this.dispatchEvent(new Event("broken"));
  }

  get shown() {
    return this.shift !== null;
  }

  // Only one seek is under way; what is asked for meanwhile is done after it.
  seek(time) {
    this.now = Math.min(Math.max(time, this.start), this.end);
    this.last = null;
    if (this.shown) {
      if (this.video.seeking) this.wanted = this.now;
      else this.video.currentTime = Math.max(this.now - this.shift + ROUNDED_S, 0);
    }
    this.tick();
  }

  settle() {
    if (this.wanted === null) return;
    const wanted = this.wanted;
    this.wanted = null;
    this.video.currentTime = Math.max(wanted - this.shift + ROUNDED_S, 0);
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    const range = this.looped();
    if (range && (this.now < range[0] - 0.01 || this.now >= range[1] - 0.01)) this.seek(range[0]);
    else if (this.now >= this.end - 0.01) this.seek(this.start);
    this.playing = true;
    this.last = null;
    if (this.shown) this.video.play().catch(() => this.pause());
    this.dispatchEvent(new Event("state"));
    requestAnimationFrame((at) => this.run(at));
  }

  pause() {
    this.playing = false;
    this.video.pause();
    this.dispatchEvent(new Event("state"));
  }

  setRate(rate) {
    this.rate = rate;
    this.video.playbackRate = this.video.defaultPlaybackRate = rate;
    this.dispatchEvent(new Event("state"));
  }

  setLoop(on) {
    this.loop = on;
    this.dispatchEvent(new Event("state"));
  }

  looped() {
    if (!this.loop || !this.range) return null;
    return [Math.max(this.range[0] - EDGE_S, this.start), Math.min(this.range[1] + EDGE_S, this.end)];
  }

  wrapOr(otherwise) {
    const range = this.looped();
    if (range && this.playing) {
      this.seek(range[0]);
      if (this.shown) this.video.play().catch(() => this.pause());
    } else otherwise();
  }

  run(at) {
    if (!this.playing) return;
    if (this.shown) {
      // While the picture is still on its way, the clock shows where it will be.
      if (!this.video.seeking) this.now = this.video.currentTime + this.shift;
    } else {
      if (this.last !== null) this.now += ((at - this.last) / 1000) * this.rate;
      this.last = at;
    }
    const range = this.looped();
    if (range && this.now >= range[1] && !this.video.seeking) this.seek(range[0]);
    else if (this.now >= this.end) {
      this.now = this.end;
      this.pause();
    }
    this.tick();
    requestAnimationFrame((next) => this.run(next));
  }

  tick() {
    this.dispatchEvent(new Event("time"));
  }
}
