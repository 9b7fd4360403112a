// The table of events. Rows are built once; a change touches the rows that it concerns.

import { clock, looked, words } from "./model.js";

const VERDICTS = { "": "–", accepted: "✓ accepted", rejected: "✗ rejected", added: "+ added" };

export class Table {
  constructor(model, body, empty) {
    this.model = model;
    this.body = body;
    this.empty = empty;
    this.filter = "all";
    this.lines = new Map();
    this.order = [];
    body.addEventListener("click", (event) => {
      const line = event.target.closest("tr");
      if (line) model.select(Number(line.dataset.number));
    });
    model.addEventListener("rows", ({ detail }) => this.update(detail));
    model.addEventListener("select", () => this.mark());
  }

  show(filter) {
    this.filter = filter;
    this.arrange();
  }

  step(by) {
    const { order, model } = this;
    if (!order.length) return;
    const place = order.indexOf(model.selected);
    const next = place < 0 ? (by > 0 ? 0 : order.length - 1) : place + by;
    if (next >= 0 && next < order.length) model.select(order[next]);
  }

  update({ changed, removed, whole }) {
    if (whole) this.lines.clear();
    for (const number of removed) this.lines.delete(number);
    for (const row of changed) {
      let line = this.lines.get(row.number);
      if (!line) this.lines.set(row.number, (line = makeLine(row.number)));
      fill(line, row);
    }
    const wanted = this.wanted();
    const same = wanted.length === this.order.length && wanted.every((n, i) => n === this.order[i]);
    if (whole || !same) this.arrange(wanted);
    else this.mark(false);
  }

  // Numbers in the order of the filter. The selected event stays until another one is selected.
  wanted() {
    const { model, filter } = this;
    const rows = [...model.rows.values()];
    const keep = {
      all: () => true,
      open: (row) => !looked(row),
      doubtful: (row) => row.verdict !== "rejected" && row.verdict !== "added",
      rejected: (row) => row.verdict === "rejected",
    }[filter];
    const byTime = (a, b) => a.onset_s - b.onset_s || a.number - b.number;
    const byDoubt = (a, b) =>
      looked(a) - looked(b) || (a.confidence ?? 0) - (b.confidence ?? 0) || byTime(a, b);
    return rows
      .filter((row) => keep(row) || row.number === model.selected)
      .sort(filter === "doubtful" ? byDoubt : byTime)
      .map((row) => row.number);
  }

  arrange(order = this.wanted()) {
    this.order = order;
    this.body.replaceChildren(...order.map((number) => this.lines.get(number)));
    this.empty.hidden = order.length > 0;
    this.mark();
  }

  mark(scroll = true) {
    const { selected } = this.model;
    if (this.marked && this.marked !== this.lines.get(selected)) {
      this.marked.setAttribute("aria-selected", "false");
      this.marked.tabIndex = -1;
      if (this.filter === "open" || this.filter === "rejected") {
        this.marked = null;
        this.arrange();
        return;
      }
    }
    const line = this.lines.get(selected) ?? null;
    this.marked = line;
    const reachable = line ?? this.lines.get(this.order[0]);
    if (reachable) reachable.tabIndex = 0;
    if (!line) return;
    line.setAttribute("aria-selected", "true");
    if (scroll) line.scrollIntoView({ block: "nearest" });
  }
}

function makeLine(number) {
  const line = document.createElement("tr");
  line.dataset.number = number;
  line.tabIndex = -1;
  line.setAttribute("role", "row");
  line.setAttribute("aria-selected", "false");
  for (const name of ["number", "onset", "length", "side", "kind", "confidence", "verdict"]) {
    const cell = document.createElement("td");
    cell.className = name;
    cell.setAttribute("role", "gridcell");
    line.append(cell);
  }
  return line;
}

function fill(line, row) {
  const [number, onset, length, side, kind, confidence, verdict] = line.children;
  number.textContent = row.number;
  onset.textContent = clock(row.onset_s);
  length.textContent = (row.offset_s - row.onset_s).toFixed(2);
  const mark = document.createElement("span");
  mark.className = `mark ${row.side}`;
  side.replaceChildren(mark, row.side);
  kind.textContent = words(row.kind);
  confidence.textContent = row.confidence === null ? "" : row.confidence.toFixed(2);
  verdict.textContent = VERDICTS[row.verdict] + (row.comment ? " ✎" : "");
  verdict.title = row.comment;
  line.dataset.verdict = row.verdict;
}
