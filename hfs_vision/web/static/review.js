// The page of a review: puts its parts together and listens to the keys.

import { Editor } from "./editor.js";
import { Model, clock, words } from "./model.js";
import { Player } from "./player.js";
import { Table } from "./table.js";
import { Traces } from "./traces.js";

const $ = (id) => document.getElementById(id);
const SPEEDS = [0.25, 0.5, 0.75, 1];
const MISSED_S = 0.3; // length of an event that is added, until its edges are set
const VIDEO_POLL_MS = 500;

const model = new Model();
let player, table, traces;

async function begin() {
  model.addEventListener("message", ({ detail }) => tell(detail));
  model.addEventListener("saved", showState);
  let facts;
  try {
    facts = await model.open();
  } catch (error) {
    tell(error.message);
    return;
  }
  document.title = `${facts.name} - review`;
  $("name").textContent = facts.name;
  $("report").hidden = !facts.report;
  showWarnings(facts.warnings);
  player = new Player($("video"), facts);
  table = new Table(model, $("table").tBodies[0], $("empty"));
  new Editor(model, player);
  const keys = model.regions().filter(({ key }) => key);
  const after = KEYS.findIndex(([, name]) => name === "s") + 1;
  KEYS.splice(after, 0, ...keys.map(({ word, key, label }) => [[key], key, `region: ${label}`, () => model.change({ region: word })]));
  traces = new Traces(model, player, $("overview"), $("zoomed"));
  traces.dispatch = (span) => ($("span").value = `${span} s`);
  traces.dispatch(traces.spanS);
  connect();
  countTable(facts);
  model.tell("rows", { changed: [...model.rows.values()], removed: [], whole: true });
  showState();
  showPlaying();
  showVideo(facts.video);
  window.hfsReview = { model, player, traces }; // for whoever looks at the page with a program
  document.documentElement.dataset.ready = "true";
}

// ---------------------------------------------------------------------- what is shown

function tell(text) {
  $("message").textContent = text;
  $("message").hidden = !text;
}

function showWarnings(warnings) {
  const box = $("warnings");
  box.hidden = warnings.length === 0;
  const more = warnings.length > 1 ? ` (and ${warnings.length - 1} more)` : "";
  box.firstElementChild.textContent = `warning: ${warnings[0]}${more}`;
  box.lastElementChild.replaceChildren(
    ...warnings.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }),
  );
}

function showState() {
  $("progress").textContent = `${model.lookedAt} of ${model.all} looked at`;
  $("unsaved").hidden = !model.unsaved;
  $("unsaved-why").textContent = model.unsaved;
  const { facts } = model;
  $("saved").textContent = model.unsaved ? "not saved" : `changes are kept in ${facts.file}, as by ${facts.reviewer}`;
  for (const { side, kind, count } of model.counts) {
    const cell = document.querySelector(`#counts td[data-of="${side} ${kind}"]`);
    if (cell) cell.textContent = count;
  }
}

function countTable({ sides, kinds }) {
  const columns = [...kinds, "all"];
  const head = $("counts").tHead.rows[0];
  for (const name of ["", ...columns]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = words(name);
    head.append(cell);
  }
  for (const side of sides) {
    const line = $("counts").tBodies[0].insertRow();
    const name = document.createElement("th");
    name.scope = "row";
    const mark = document.createElement("span");
    mark.className = `mark ${side}`;
    name.append(mark, side);
    line.append(name);
    for (const kind of columns) line.insertCell().dataset.of = `${side} ${kind}`;
  }
}

function showPlaying() {
  $("play").textContent = player.playing ? "❚❚" : "▶";
  $("play").setAttribute("aria-label", player.playing ? "Pause" : "Play");
  $("loop").setAttribute("aria-pressed", String(player.loop));
  for (const button of $("speeds").children) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.rate) === player.rate));
  }
}

function showVideo(video) {
  const { state, message, progress } = video;
  const shows = ["direct", "shifted", "proxy"].includes(state);
  $("video").hidden = !shows;
  $("screen").classList.toggle("empty", !shows);
  $("video-progress").hidden = state !== "making";
  $("video-progress").value = progress;
  const making = `A copy of the recording that the browser can play is being made: ${Math.round(100 * progress)} %.`;
  $("video-message").textContent = state === "making" ? making : message;
  if (shows && showVideo.loaded !== state) {
    showVideo.loaded = state;
    player.load(`video?as=${state}`, video.first_s);
  }
  if (state === "making") setTimeout(() => model.refresh(), VIDEO_POLL_MS);
}

// ---------------------------------------------------------------------- what is done

function choose({ stay = false } = {}) {
  const { row } = model;
  player.range = row && [row.onset_s, row.offset_s];
  if (!row || stay) return;
  player.pause();
  player.seek(row.onset_s);
}

function insert() {
  const onset = Math.min(player.now, player.end - MISSED_S);
  const offset = onset + MISSED_S;
  model.add({ onset_s: onset, offset_s: offset, ...traces.guess(onset, offset) });
}

function other(field, values) {
  const { row } = model;
  if (row) model.change({ [field]: row[field] === values[0] ? values[1] : values[0] });
}

const KEYS = [
  [[" "], "space", "play or pause", () => player.toggle()],
  [["ArrowLeft"], "←", "one frame back; with shift one second", (e) => stepTime(e, -1)],
  [["ArrowRight"], "→", "one frame on; with shift one second", (e) => stepTime(e, 1)],
  [["n", "ArrowDown"], "n or ↓", "next event", () => table.step(1)],
  [["p", "ArrowUp"], "p or ↑", "previous event", () => table.step(-1)],
  [["a"], "a", "accept", () => model.change({ verdict: "accepted" })],
  [["r"], "r", "reject", () => model.change({ verdict: "rejected" })],
  [["s"], "s", "the other side", () => other("side", model.facts.sides)],
  [["k"], "k", "clonic or tonic, and with it the kind", () => other("component", model.facts.components)],
  [["["], "[", "onset at this moment", () => model.change({ onset_s: player.now })],
  [["]"], "]", "offset at this moment", () => model.change({ offset_s: player.now })],
  [["i"], "i", "add an event that was missed, at this moment", insert],
  [["c"], "c", "comment", () => $("comment").focus()],
  [["u"], "u or Ctrl-Z", "take back the last change", () => model.undo()],
  [["l"], "l", "repeat the event, or play on", () => player.setLoop(!player.loop)],
  [["1", "2", "3", "4"], "1 to 4", "speed: a quarter, a half, three quarters, whole", (e) => player.setRate(SPEEDS[e.key - 1])],
  [["+", "="], "+", "shorter stretch of the traces", () => traces.zoom(-1)],
  [["-"], "-", "longer stretch of the traces", () => traces.zoom(1)],
  [["?"], "?", "these keys", () => $("help").showModal()],
];

function stepTime(event, by) {
  player.pause();
  player.seek(event.shiftKey ? player.now + by : traces.neighbour(player.now, by));
}

function onKey(event) {
  const typing = event.target.closest("input, textarea, select");
  if (typing) {
    if (event.key === "Escape") typing.blur();
    return;
  }
  if ($("help").open) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
    event.preventDefault();
    model.undo();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const pressing = event.target.closest("button, summary, a");
  if (event.key === " " && pressing) return;
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const known = KEYS.find(([names]) => names.includes(name));
  if (!known) return;
  event.preventDefault();
  tell("");
  known[3](event);
}

function connect() {
  const press = (id, act) => $(id).addEventListener("click", act);
  press("play", () => player.toggle());
  press("step-back", (event) => stepTime(event, -1));
  press("step-on", (event) => stepTime(event, 1));
  press("loop", () => player.setLoop(!player.loop));
  press("previous", () => table.step(-1));
  press("next", () => table.step(1));
  press("insert", insert);
  press("undo", () => model.undo());
  press("zoom-in", () => traces.zoom(-1));
  press("zoom-out", () => traces.zoom(1));
  press("help-open", () => $("help").showModal());
  press("help-close", () => $("help").close());
  press("unsaved-again", () => model.save());
  press("unsaved-theirs", () => model.reload());
  press("unsaved-mine", () => model.keep());
  press("video", () => player.toggle());
  $("filter").addEventListener("change", ({ target }) => table.show(target.value));
  SPEEDS.forEach((rate) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `${rate}×`;
    button.dataset.rate = rate;
    button.addEventListener("click", () => player.setRate(rate));
    $("speeds").append(button);
  });
  for (const [, name, what] of KEYS) {
    const pair = document.createElement("div");
    const term = document.createElement("dt");
    const text = document.createElement("dd");
    term.textContent = name;
    text.textContent = what;
    pair.append(term, text);
    $("keys").append(pair);
  }
  document.addEventListener("keydown", onKey);
  // A button that was clicked gives the space bar back to the video.
  document.addEventListener("click", (event) => {
    if (event.detail > 0) event.target.closest("button")?.blur();
  });
  player.addEventListener("time", () => ($("clock").value = clock(player.now)));
  player.addEventListener("state", showPlaying);
  player.addEventListener("broken", () => {
    model.post("api/video/copy", { revision: model.revision }).then(
      ({ video }) => showVideo(video),
      (error) => tell(error.message),
    );
  });
  model.addEventListener("video", ({ detail }) => showVideo(detail));
  model.addEventListener("select", ({ detail }) => choose(detail));
  model.addEventListener("rows", () => choose({ stay: true }));
  window.addEventListener("focus", () => model.refresh());
  window.addEventListener("beforeunload", (event) => {
    if (model.unsaved) event.preventDefault();
  });
}

begin();
