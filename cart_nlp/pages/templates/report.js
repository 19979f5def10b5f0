const data = JSON.parse($("data").textContent);
const panel = $("panel"), body = $("panel-body");
const title = $("panel-title"), CHUNK = 200, FIRST = 20;
const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

function shown(value) {
  return value === null || value === undefined ? "–" : typeof value === "number" && !Number.isInteger(value) ? value.toFixed(1) : String(value);
}

class SortedTable {
  constructor(box) {
    this.name = box.dataset.table;
    this.rows = data.tables[this.name];
    if (!this.rows) return;
    this.body = box.querySelector("tbody");
    this.heads = [...box.querySelectorAll("thead th")];
    this.floats = this.heads.map((_, n) => this.rows.some(r => typeof r[n][0] === "number" && !Number.isInteger(r[n][0])));
    this.numeric = this.heads.map(h => h.classList.contains("n"));
    this.column = -1; this.down = false; this.all = false;
    this.buttons = this.heads.map((head, n) => {
      const button = el("button", { type: "button", textContent: head.textContent });
      button.addEventListener("click", () => this.sort(n));
      head.replaceChildren(button);
      return button;
    });
    this.controls = box.querySelector(".controls");
    this.input = box.querySelector("input");
    this.state = box.querySelector(".state");
    if (this.rows.length > 5) this.controls.hidden = false;
    this.input.addEventListener("input", debounce(() => this.draw()));
    this.more = box.querySelector(".more");
    if (this.more) {
      const button = this.more.querySelector("button");
      button.hidden = false;
      button.addEventListener("click", () => { this.all = !this.all; this.draw(); });
    }
  }
  sort(n) {
    // numbers: largest first; text: a to z; a third click restores the order of the report
    const start = this.numeric[n];
    if (this.column !== n) { this.column = n; this.down = start; }
    else if (this.down === start) this.down = !start;
    else this.column = -1;
    this.heads.forEach((h, i) => i === this.column ? h.setAttribute("aria-sort", this.down ? "descending" : "ascending") : h.removeAttribute("aria-sort"));
    this.draw();
  }
  print(on) {
    // Paper shows every row, in the order and under the filter of the screen. Its heads are plain text: a
    // browser repeats on each page no head that holds a button.
    if (!this.rows || this.printed === on) return;
    this.printed = on;
    this.heads.forEach((head, n) => head.replaceChildren(on ? this.buttons[n].textContent : this.buttons[n]));
    if (!this.more) return;
    if (on) { this.kept = this.all; this.all = true; } else this.all = this.kept;
    this.draw();
  }
  draw() {
    const words = this.input.value.toLowerCase().split(/\s+/).filter(Boolean), n = this.column;
    let rows = this.rows.filter(row => {
      if (!words.length) return true;
      const text = row.map(c => shown(c[0])).join(" ").toLowerCase();
      return words.every(w => text.includes(w));
    });
    if (n >= 0) rows = rows.slice().sort((a, b) => {
      const x = a[n][0], y = b[n][0];
      if (x === null || y === null) return (x === null) - (y === null);
      const order = this.numeric[n] ? x - y : collator.compare(String(x), String(y));
      return this.down ? -order : order;
    });
    const kept = this.all ? rows : rows.slice(0, FIRST);
    this.body.replaceChildren(...kept.map(row => el("tr", {}, ...row.map((c, i) => this.cell(c, i, row)))));
    this.state.textContent = words.length ? `${rows.length} of ${this.rows.length} rows` : "";
    if (this.more) {
      this.more.hidden = rows.length <= FIRST;
      this.more.firstChild.textContent = this.all ? `All ${rows.length} rows. ` : `First ${FIRST} of ${rows.length} rows. `;
      this.more.querySelector("button").textContent = this.all ? "Show fewer" : `Show all ${rows.length}`;
    }
  }
  cell([value, set], n, row) {
    const text = value === null ? "–" : this.floats[n] && typeof value === "number" ? value.toFixed(1) : String(value);
    const td = el("td", { className: this.numeric[n] ? "n" : "" });
    td.append(set === undefined || set === null ? text : el("a", { href: `#cell=${this.name}:${this.rows.indexOf(row)}:${n}`, textContent: text }));
    return td;
  }
}

const tables = [];
window.addEventListener("beforeprint", () => tables.forEach(t => t.print(true)));
window.addEventListener("afterprint", () => tables.forEach(t => t.print(false)));

const field = (trial, name) => data.strings[trial[3][data.fields.indexOf(name)]];

function showCell(text) {
  const [name, r, c, part] = text.split(":"), row = (data.tables[name] || [])[r], cell = row && row[c];
  if (!cell) return false;
  const heads = [...document.querySelectorAll(`#table-${CSS.escape(name)} thead th`)].map(h => h.textContent);
  const caption = document.querySelector(`#table-${CSS.escape(name)} h3`).textContent;
  const of = cell[2] === undefined ? undefined : { number: cell[2], link: `${name}:${r}:${c}:of` };
  const keys = row.slice(0, c).map(k => k[0]).filter(v => typeof v === "string");
  if (part === "of") return showSet(cell[2], `${caption}: denominator of ${keys.join(", ")}, ${heads[c]}`);
  return showSet(cell[1], `${caption}: ${[...keys, heads[c]].join(", ")} (${shown(cell[0])})`, of);
}

function showSet(number, about = "", of = undefined) {
  const members = data.sets[number];
  if (!members) return false;
  title.textContent = `${members.length} ${members.length === 1 ? "trial" : "trials"}`;
  const input = el("input", { type: "search", autocomplete: "off" }), list = el("div"), state = el("p", { className: "note" });
  const head = el("p", { className: "note", textContent: about });
  if (of) head.append(" · of ", el("a", { href: `#cell=${of.link}`, textContent: `${data.sets[of.number].length} trials` }));
  let limit = CHUNK;
  const draw = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const hits = members.map(m => data.trials[m]).filter(t => {
      const text = [t[0], t[1], ...t[3].map(s => data.strings[s])].join(" ").toLowerCase();
      return words.every(w => text.includes(w));
    });
    list.replaceChildren(...hits.slice(0, limit).map(t => el("div", { className: "trial" },
      el("a", { href: `#trial=${encodeURIComponent(t[0])}`, textContent: t[0] }), " ", el("span", { textContent: t[1].length > 300 ? t[1].slice(0, 300) + "…" : t[1] }),
      el("small", { textContent: ["targets", "phase", "status", "start date", "sponsor", "countries"].map(f => field(t, f)).filter(Boolean).join(" · ") }))));
    state.textContent = hits.length === members.length ? "" : `${hits.length} of ${members.length} trials`;
    if (hits.length > limit) {
      const more = el("button", { type: "button", textContent: `Show ${Math.min(CHUNK, hits.length - limit)} more of ${hits.length - limit}` });
      more.addEventListener("click", () => { limit += CHUNK; draw(); });
      list.append(more);
    }
  };
  input.addEventListener("input", debounce(() => { limit = CHUNK; draw(); }));
  body.replaceChildren(head, el("p", {}, el("label", {}, "Filter ", input)), state, list);
  draw();
  return true;
}

function showTrial(id) {
  const trial = data.trials.find(t => t[0] === id);
  if (!trial) return false;
  title.textContent = trial[0];
  const parts = [el("p", { className: "trial clip" }, el("strong", { textContent: trial[1] || "(no title)" }))];
  if (trial[2]) parts.push(el("p", {}, el("a", { href: trial[2], target: "_blank", rel: "noopener noreferrer", textContent: "Open in the registry ↗" })));
  const facts = el("tbody");
  data.fields.forEach((name, n) => {
    const text = data.strings[trial[3][n]];
    if (text) facts.append(el("tr", {}, el("th", { scope: "row", textContent: name }), el("td", {}, el("div", { className: "clip", textContent: text }))));
  });
  const rows = el("tbody");
  trial[4].forEach(numbers => {
    const [name, value, basis, section, text, rule] = numbers.map(n => data.strings[n]);
    const quote = text ? el("blockquote", { className: "clip" }, el("mark", { textContent: text })) : "";
    rows.append(el("tr", {}, el("td", { textContent: words(name) }), el("td", { textContent: value }), el("td", { textContent: basis }),
      el("td", { textContent: section }), el("td", {}, quote), el("td", { textContent: rule })));
  });
  parts.push(el("h3", { textContent: "Evidence" }));
  parts.push(trial[4].length ? el("div", { className: "scroll" }, el("table", { id: "evidence" }, el("thead", {}, el("tr", {}, ...["field", "value", "basis", "section", "words", "rule"].map(h => el("th", { textContent: h })))), rows))
    : el("p", { className: "empty", textContent: "The records carry no evidence for this trial." }));
  parts.push(el("h3", { textContent: "Record" }), el("table", {}, facts));
  body.replaceChildren(...parts);
  return true;
}

let opened = 0;
function route() {
  const match = /^(set|cell|trial)=(.+)$/.exec(anchor());
  const found = match && { set: showSet, cell: showCell, trial: showTrial }[match[1]](match[2]);
  if (found) {
    opened += 1;
    $("back").hidden = opened < 2;
    if (!panel.open) panel.showModal();
    body.scrollTop = panel.scrollTop = 0;
  } else { opened = 0; if (panel.open) panel.close(); }
}
function leave() {
  // Keeps the reader's place: the address loses its fragment without a jump to the top
  history.pushState(null, "", location.pathname + location.search);
  opened = 0;
  if (panel.open) panel.close();
}
$("close").addEventListener("click", leave);
$("back").addEventListener("click", () => history.back());
panel.addEventListener("cancel", event => { event.preventDefault(); leave(); });
panel.addEventListener("click", event => { if (event.target === panel) leave(); });
window.addEventListener("hashchange", route);
window.addEventListener("popstate", route);
document.querySelectorAll(".table").forEach(box => tables.push(new SortedTable(box)));
route();
