// The panel of the selected event: everything that the keys do, as buttons and fields.

import { clock, words } from "./model.js";

const $ = (id) => document.getElementById(id);

export class Editor {
  constructor(model, player) {
    this.model = model;
    this.player = player;
    this.sets = [
      this.choice($("verdicts"), "verdict", [
        ["accepted", "✓ Accept", "It is right (a)"],
        ["rejected", "✗ Reject", "It is none (r)"],
        ["", "Not reviewed", "Take the verdict back"],
      ]),
      this.choice($("sides"), "side", model.facts.sides.map((s) => [s, s, `The subject's ${s} (s)`])),
      this.choice($("regions"), "region", model.regions().map(({ word, label, title }) => [word, label, title])),
      this.choice($("components"), "component", [
        ["clonic", "clonic", "Brief, or a train of brief twitches (k)"],
        ["tonic", "tonic", "Held for 1 s or longer (k)"],
      ]),
    ];
    this.number($("onset"), "onset_s");
    this.number($("offset"), "offset_s");
    $("onset-now").addEventListener("click", () => model.change({ onset_s: player.now }));
    $("offset-now").addEventListener("click", () => model.change({ offset_s: player.now }));
    const comment = $("comment");
    comment.addEventListener("change", () => this.model.change({ comment: comment.value }));
    comment.addEventListener("keydown", (event) => {
      if (event.key === "Enter") comment.blur();
    });
    model.addEventListener("rows", () => this.show());
    model.addEventListener("select", () => this.show());
  }

  choice(place, field, options) {
    const buttons = options.map(([value, label, title]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label;
      button.title = title;
      button.dataset.value = value;
      button.addEventListener("click", () => this.model.change({ [field]: value }));
      return button;
    });
    place.append(...buttons);
    return { field, buttons };
  }

  number(input, field) {
    input.addEventListener("change", () => {
      if (input.value !== "" && Number.isFinite(input.valueAsNumber)) {
        this.model.change({ [field]: input.valueAsNumber });
      } else this.show();
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") input.blur();
    });
  }

  show() {
    const { row } = this.model;
    $("editor").hidden = row === null;
    if (!row) return;
    $("which").textContent = `${row.number}: ${words(row.kind)}`;
    for (const { field, buttons } of this.sets) {
      for (const button of buttons) {
        button.setAttribute("aria-pressed", String(button.dataset.value === row[field]));
      }
    }
    write($("onset"), row.onset_s.toFixed(3));
    write($("offset"), row.offset_s.toFixed(3));
    write($("comment"), row.comment);
    this.facts(row);
    $("history").textContent = row.history || "Nothing was changed.";
  }

  facts(row) {
    const said = (value, digits, unit = "") =>
      value === null ? "not known" : `${value.toFixed(digits)}${unit}`;
    const facts = [
      ["duration", said(row.offset_s - row.onset_s, 3, " s")],
      ["peak at", row.peak_s === null ? "not known" : clock(row.peak_s)],
      ["score", said(row.score, 2, " × threshold")],
      ["confidence", said(row.confidence, 3)],
      ...this.model.facts.face.map(({ amplitude, amplitude_unit, decimals }) => [
        amplitude,
        said(row[amplitude], decimals, amplitude_unit ? " iod" : ""),
      ]),
      ["measured", said(row.valid_fraction, 2, " of its time")],
    ];
    if (row.reviewer) facts.push(["last changed", `${row.reviewer}, ${row.reviewed_utc}`]);
    $("facts").replaceChildren(
      ...facts.map(([name, value]) => {
        const pair = document.createElement("div");
        const term = document.createElement("dt");
        const text = document.createElement("dd");
        term.textContent = name;
        text.textContent = value;
        pair.append(term, text);
        return pair;
      }),
    );
  }
}

// What is being typed is left alone.
function write(input, text) {
  if (document.activeElement !== input) input.value = text;
}
