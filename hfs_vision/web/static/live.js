// The page of a live session: shows what the program tells, and asks for what the user presses.
// Closing it, or reloading it, changes nothing of the session.

import { Mirror } from "./live-picture.js";
import { Trace } from "./live-trace.js";

const $ = (id) => document.getElementById(id);
const AGAIN_MS = 2000;
const ANSWER_MS = 4000;
const words = (name) => name.replaceAll("_", " ");

let mirror, trace, stream, facts;
let session = { state: "starting" };

async function begin() {
  facts = await constants();
  mirror = new Mirror($("view"));
  trace = new Trace($("trace"), facts);
  buildTable();
  buildSegments();
  listen();
  show({ state: "starting" });
  look();
  window.hfsLive = { mirror, trace, get session() { return session; } }; // for tests and tools
  document.documentElement.dataset.ready = "true";
}

async function constants() {
  for (;;) {
    try {
      const answer = await fetch("api/live/facts");
      if (answer.ok) return await answer.json();
    } catch {
      // the program is not there, or not yet
    }
    $("silent").hidden = false;
    await new Promise((done) => setTimeout(done, AGAIN_MS));
  }
}

// ---------------------------------------------------------------------- what is told

// A page that nobody sees asks for nothing: neither pictures nor numbers.
function look() {
  const seen = document.visibilityState === "visible" && !over();
  if (seen) {
    mirror.start();
    if (!stream) connect();
  } else {
    mirror.stop();
    disconnect();
  }
}

function connect() {
  trace.empty(); // all of it comes again
  stream = new EventSource("api/live/stream");
  stream.onmessage = ({ data }) => show(JSON.parse(data));
  stream.onopen = () => {
    trace.empty();
    $("silent").hidden = true;
  };
  stream.onerror = () => {
    if (over()) return;
    $("silent").hidden = false;
    if (stream?.readyState !== EventSource.CLOSED) return; // it tries again by itself
    disconnect();
    setTimeout(look, AGAIN_MS);
  };
}

function disconnect() {
  stream?.close();
  stream = null;
}

const over = () => session.state === "over" || session.state === "failed";

function show(message) {
  session = { ...session, ...message };
  const { state } = message;
  document.body.dataset.state = state;
  if (state === "running") showMoment(message);
  if (message.counts) showCounts(message.counts);
  if (over()) showResult(session);
  else showNotice();
}

function showMoment(now) {
  $("elapsed").textContent = minutes(now.elapsed_s);
  const fps = now.fps === null ? "" : `, ${now.fps.toFixed(1)} frames/s`;
  $("measured").textContent = `${minutes(now.valid_s)} measured${fps}`;
  $("dropped").hidden = !now.dropped;
  $("dropped").textContent = `${now.dropped} frame${now.dropped === 1 ? "" : "s"} dropped`;
  $("recording").hidden = !now.recording;
  $("segment").hidden = !now.segment;
  $("segment").textContent = words(now.segment);
  $("pause").lastElementChild.textContent = now.paused ? "Go on" : "Pause";
  $("pause").setAttribute("aria-pressed", String(now.paused));
  for (const button of $("segments").children) {
    button.setAttribute("aria-pressed", String(button.dataset.label === now.segment));
  }
  renew($("hints"), now.hints.join("   ·   "));
  showPrompt(now);
  for (const chip of document.querySelectorAll(".side")) {
    const moving = now.ongoing.filter(([side]) => side === chip.dataset.side).map(([, part]) => part);
    showMoves(chip, moving.join(" + "));
  }
  trace.empties = now.learning_s ? "begins when your rest is known" : "nothing measured";
  trace.take(now);
}

function showMoves(chip, moves) {
  renew(chip.lastElementChild, moves);
  chip.toggleAttribute("data-moves", moves !== "");
}

function showPrompt(now) {
  $("next-step").hidden = !now.steps;
  $("prompt").hidden = !now.prompt;
  if (!now.prompt) return;
  $("step").textContent = now.steps ? `step ${now.step} of ${now.steps}` : "";
  renew($("prompt-text"), now.prompt);
  const left = now.prompt_left_s === null ? "" : Math.ceil(now.prompt_left_s);
  $("prompt-left").value = left < 60 ? `${left} s` : minutes(left);
  [$("steps").max, $("steps").value] = [now.steps || 1, now.step];
}

function showNotice() {
  const { state, lost, paused, learning_s } = session;
  let [text, large] = ["", ""];
  if (state === "starting") text = "Waiting for the first picture";
  else if (lost) [text, large] = ["Camera lost: waiting for it to come back", "lost"];
  else if (paused) [text, large] = ["Paused: nothing is counted", "paused"];
  else if (learning_s) text = `learning your resting face: ${Math.ceil(learning_s)} s. Keep still, both eyes open`;
  renew($("notice"), text);
  if (large) $("notice").dataset.large = large;
  else delete $("notice").dataset.large;
  $("mirror").toggleAttribute("data-quiet", Boolean(large));
}

function showCounts(counts) {
  for (const cell of document.querySelectorAll("#tally td")) {
    const [count, rate] = counts[cell.dataset.of] ?? [0, null];
    const text = cell.dataset.rate ? (rate === null ? "–" : rate.toFixed(1)) : String(count);
    renew(cell, text);
    cell.classList.toggle("none", count === 0);
  }
  const [count, rate] = counts["all all"] ?? [0, null];
  renew($("both").lastElementChild, rate === null ? `${count}` : `${count} (${rate.toFixed(1)} per min)`);
}

function showResult(result) {
  look();
  mirror.forget();
  for (const button of document.querySelectorAll("#controls button")) button.disabled = true;
  for (const id of ["prompt", "recording", "segment", "silent", "mirror", "hints"]) $(id).hidden = true;
  $("really").close();
  $("result").hidden = false;
  const early = result.state === "failed";
  $("result").firstElementChild.textContent = early ? "The session has ended early" : "The session is over";
  if (early) {
    $("result-text").textContent = "The terminal says why, and where the tables are if any were begun.";
    return;
  }
  $("elapsed").textContent = minutes(result.elapsed_s);
  $("measured").textContent = `${minutes(result.valid_s)} measured`;
  const blinks = `${result.blinks} blink${result.blinks === 1 ? "" : "s"} were also seen.`;
  $("result-text").textContent = result.complete
    ? `${blinks} The tables are in the folder that the terminal names. This tab can be closed.`
    : `${blinks} Not all tables could be written: the terminal says what is missing.`;
  const lines = result.segments.map(({ label, duration_s, counts }) => {
    const numbers = facts.sides.map((side) => `${side} ${(counts[`${side} all`] ?? [0])[0]}`);
    return `${words(label)}, ${duration_s.toFixed(0)} s: ${numbers.join(", ")}`;
  });
  lines.push(...result.warnings.map((text) => `warning: ${text}`));
  $("result-lines").replaceChildren(
    ...lines.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }),
  );
}

// Text that is what it was is left alone: a reader of the screen would say it again.
function renew(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function minutes(seconds) {
  const whole = Math.max(Math.floor(seconds), 0);
  const rest = `${Math.floor(whole / 60) % 60}:${String(whole % 60).padStart(2, "0")}`;
  return whole < 3600 ? rest : `${Math.floor(whole / 3600)}:${rest.padStart(5, "0")}`;
}

// ---------------------------------------------------------------------- what is built once

function buildTable() {
  for (const side of facts.sides) {
    const head = document.createElement("th");
    head.scope = "col";
    const mark = document.createElement("span");
    mark.className = `mark ${side}`;
    head.append(mark, side);
    $("tally").tHead.rows[0].append(head);
  }
  const rows = [["movements", "all", false, "all"], ["per minute", "all", true, "rate"]];
  rows.push(...facts.kinds.map((kind) => [words(kind), kind, false, "kind"]));
  for (const [name, kind, rate, look] of rows) {
    const line = $("tally").tBodies[0].insertRow();
    line.className = look;
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = name;
    line.append(head);
    for (const side of facts.sides) {
      const cell = line.insertCell();
      cell.dataset.of = `${side} ${kind}`;
      if (rate) cell.dataset.rate = "true";
    }
  }
  const both = ["both sides", ""].map((text) => {
    const part = document.createElement("span");
    part.textContent = text;
    return part;
  });
  $("both").replaceChildren(...both);
}

function buildSegments() {
  facts.segments.forEach((label, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.kind = "segment";
    button.dataset.label = label;
    button.title = `Begin a segment: ${label}`;
    const key = document.createElement("kbd");
    key.textContent = i + 1;
    button.append(key, ` ${words(label)}`);
    $("segments").append(button);
  });
}

// ---------------------------------------------------------------------- what is asked for

async function ask(kind, label = "") {
  if (over()) return;
  let said = { mark: "moment marked", quit: "ending", segment: `segment: ${words(label)}` }[kind] ?? "";
  try {
    const answer = await fetch("api/live/action", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ kind, label }),
    });
    if (!answer.ok) said = (await answer.json()).error;
  } catch {
    said = "no answer from the program";
  }
  $("answer").textContent = said && kind !== "quit" ? `${minutes(session.elapsed_s ?? 0)}  ${said}` : said;
  clearTimeout(ask.timer);
  ask.timer = setTimeout(() => ($("answer").textContent = ""), ANSWER_MS);
}

function toggleOverlay() {
  mirror.toggle();
  $("overlay").setAttribute("aria-pressed", String(mirror.overlay));
}

function end() {
  $("really").close();
  ask("quit");
}

const KEYS = {
  " ": () => ask("pause"),
  p: () => ask("pause"),
  m: () => ask("mark"),
  n: () => session.steps && ask("next_step"),
  o: toggleOverlay,
  q: () => over() || $("really").showModal(),
};

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const key = event.key.toLowerCase();
  if ($("really").open) {
    if (key !== "q") return; // Enter and Esc are the browser's own
    event.preventDefault();
    end();
    return;
  }
  const onButton = event.target.closest?.("button");
  if (key === " " && onButton) return; // the browser presses it
  const segment = facts.segments[Number(key) - 1];
  const act = segment ? () => ask("segment", segment) : KEYS[key];
  if (!act) return;
  event.preventDefault();
  act();
}

function listen() {
  document.addEventListener("keydown", press);
  document.addEventListener("visibilitychange", look);
  $("controls").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    // Else space would press again what was clicked last, and not pause.
    if (event.detail > 0) button.blur();
    if (button.dataset.kind) ask(button.dataset.kind, button.dataset.label);
  });
  $("overlay").addEventListener("click", toggleOverlay);
  $("quit").addEventListener("click", () => $("really").showModal());
  $("really-end").addEventListener("click", end);
  $("really-not").addEventListener("click", () => $("really").close());
}

begin();
