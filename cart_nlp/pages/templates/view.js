const data = JSON.parse($("data").textContent);
const S = data.strings, HEIGHT = 66, MARGIN = 8, MOST_VALUES = 60;
const COLORS = { targets: "#0072b2", products: "#7a3e9d", costim: "#b35c00", generation: "#5b5b00", vector: "#00735a", cell_source: "#a0305f", cell_type: "#3d6b00", edits: "#8b1a1a", armoring: "#005f73", safety_switch: "#8a4b08", disease_group: "#4a4a8a", indications: "#5a5a8f", focus: "#555555" };
const list = $("list"), space = $("space"), pane = $("trial"), search = $("search"), filters = $("filters");
const chosen = data.filters.map(() => new Set());
let hits = [], at = -1, mark = -1;

const color = field => COLORS[field] || "#666666";

// One lower-cased string a trial: a search over 2,000 trials is a scan of these.
const haystack = data.trials.map(t => [t.i, t.t, ...t.f.flat().map(n => S[n]), ...t.x.map(n => S[n]),
  ...t.e.map(e => S[e[4]]), ...t.s.map(s => s[1])].join("\n").toLowerCase());

function matches(trial, n, terms, skip) {
  for (let f = 0; f < chosen.length; f++) {
    if (f === skip || !chosen[f].size) continue;
    const has = trial.f[f];
    if (!(has.length ? has.some(v => chosen[f].has(v)) : chosen[f].has(-1))) return false;
  }
  return terms.every(term => haystack[n].includes(term));
}

function apply(keep) {
  const before = keep && at >= 0 ? hits[at] : undefined;
  const terms = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  hits = [];
  data.trials.forEach((t, n) => { if (matches(t, n, terms, -1)) hits.push(n); });
  space.style.height = `${hits.length * HEIGHT}px`;
  $("state").textContent = `${hits.length} of ${data.trials.length} trials`;
  drawCounts(terms);
  const place = before === undefined ? 0 : Math.max(0, hits.indexOf(before));
  at = -1;
  if (hits.length) select(place); else { pane.replaceChildren(el("p", { className: "soft", textContent: data.trials.length ? "No trial matches. Clear the search or a filter." : "There are no records in this file." })); drawRows(); }
}

function drawRows() {
  const first = Math.max(0, Math.floor(list.scrollTop / HEIGHT) - MARGIN);
  const last = Math.min(hits.length, Math.ceil((list.scrollTop + list.clientHeight) / HEIGHT) + MARGIN);
  const rows = [];
  for (let n = first; n < last; n++) {
    const t = data.trials[hits[n]], value = name => t.f[data.filters.indexOf(name)].map(v => S[v]).join(", ");
    const row = el("div", { className: "row", id: `row-${n}`, role: "option", ariaSelected: String(n === at) },
      el("small", {}, el("b", { textContent: t.i }), ` ${value("targets").slice(0, 60)}`),
      el("div", { textContent: t.t.slice(0, 200) || "(no title)" }), el("small", { textContent: [value("phase"), value("status"), value("start_year"), value("countries")].filter(Boolean).join(" · ").slice(0, 120) }));
    row.style.top = `${n * HEIGHT}px`;
    row.addEventListener("click", () => select(n));
    rows.push(row);
  }
  space.replaceChildren(...rows);
  list.setAttribute("aria-activedescendant", at >= 0 ? `row-${at}` : "");
}

function select(n) {
  if (n < 0 || n >= hits.length) return;
  at = n; mark = -1;
  const top = n * HEIGHT;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (top + HEIGHT > list.scrollTop + list.clientHeight) list.scrollTop = top + HEIGHT - list.clientHeight;
  drawRows();
  const trial = data.trials[hits[n]];
  showTrial(trial);
  history.replaceState(null, "", `#${encodeURIComponent(trial.i)}`);
}

function showTrial(t) {
  const parts = [el("h2", { textContent: t.t || "(no title)" }), el("p", { className: "soft" }, t.i, " ", t.u ? el("a", { id: "registry", href: t.u, target: "_blank", rel: "noopener noreferrer", textContent: "Open in the registry ↗" }) : "")];
  const chips = el("div", { className: "values" });
  data.filters.forEach((name, f) => {
    if (name === "sponsor" || name === "collaborators" || name === "countries") return;
    t.f[f].forEach(v => {
      const chip = el("span", { className: "chip" }, el("i", { textContent: `${words(name)} ` }), S[v]);
      chip.style.borderLeftColor = color(name);
      chips.append(chip);
    });
  });
  parts.push(chips);
  if (t.m) parts.push(el("p", { className: "warning", textContent: `${t.m} pieces of evidence do not fit this text: the dump given with --text is of another date than the tagged one. They are listed below, not marked.` }));
  if (t.s.length) {
    t.s.forEach(([name, text]) => {
      const spans = t.e.filter(e => e[3] === name && e[6] >= 0);
      if (!spans.length && /^(?!brief_title|official_title|brief_summary)/.test(S[name]) && text.length > 600) {
        parts.push(el("details", {}, el("summary", { textContent: `${S[name]} (${text.length} characters, nothing marked)` }), el("p", { className: "text", textContent: text })));
      } else parts.push(el("h3", { textContent: S[name] }), marked(text, spans));
    });
  } else if (t.e.some(e => S[e[2]] === "text")) {
    parts.push(el("h3", { textContent: "Words of the trial" }));
    const sections = new Map();
    t.e.forEach(e => { if (S[e[2]] === "text") { if (!sections.has(S[e[3]])) sections.set(S[e[3]], []); sections.get(S[e[3]]).push(e); } });
    for (const [section, found] of sections) {
      const line = el("p", { className: "text" }, el("span", { className: "soft", textContent: `${section}: ` }));
      found.forEach((e, n) => line.append(n ? " … " : "", ...piece(S[e[4]], [e], [e])));
      parts.push(line);
    }
  }
  parts.push(el("h3", { textContent: "Evidence" }));
  if (t.e.length) {
    const rows = el("tbody");
    t.e.forEach(e => rows.append(el("tr", {}, ...[words(S[e[0]]), S[e[1]], S[e[2]], S[e[3]], e[8] ? `${S[e[4]]} (and ${e[8]} more places)` : S[e[4]], S[e[5]]].map(text => el("td", {}, el("div", { textContent: text }))))));
    parts.push(el("div", { className: "scroll" }, el("table", { id: "evidence" }, el("thead", {}, el("tr", {}, ...["field", "value", "basis", "section", "words", "rule"].map(h => el("th", { textContent: h })))), rows)));
  } else parts.push(el("p", { className: "soft", textContent: "This record carries no evidence." }));
  const facts = el("tbody");
  data.facts.forEach((name, n) => { if (S[t.x[n]]) facts.append(el("tr", {}, el("th", { scope: "row", textContent: words(name) }), el("td", {}, el("div", { textContent: S[t.x[n]] })))); });
  parts.push(el("h3", { textContent: "Record" }), el("table", {}, facts));
  pane.replaceChildren(...parts);
  pane.scrollTop = 0;
}

// displaCy's span style: overlapping spans keep a line each; the text is cut where any span begins or ends.
function marked(text, spans) {
  const p = el("p", { className: "text" });
  const edges = [...new Set([0, text.length, ...spans.flatMap(e => [e[6], e[7]])])].sort((a, b) => a - b);
  const lanes = new Map(), busy = [];
  [...spans].sort((a, b) => a[6] - b[6] || b[7] - a[7]).forEach(e => {
    let lane = busy.findIndex(end => end <= e[6]);
    if (lane < 0) lane = busy.length;
    busy[lane] = e[7];
    lanes.set(e, lane);
  });
  for (let n = 0; n + 1 < edges.length; n++) {
    const [from, to] = [edges[n], edges[n + 1]], here = spans.filter(e => e[6] <= from && e[7] >= to);
    if (here.length) p.append(...piece(text.slice(from, to), here, here.filter(e => e[7] === to), lanes));
    else p.append(text.slice(from, to));
  }
  return p;
}
function piece(text, here, ending, lanes) {
  const node = el("mark", { textContent: text, title: here.map(e => `${words(S[e[0]])}: ${S[e[1]]} (${S[e[5]]})`).join("\n") });
  const depth = lanes ? Math.max(...here.map(e => lanes.get(e))) + 1 : here.length;
  const rows = here.map((e, n) => [color(S[e[0]]), lanes ? lanes.get(e) : n]);
  node.style.backgroundImage = [...rows.map(([c]) => `linear-gradient(${c}, ${c})`), `linear-gradient(${rows[0][0]}22, ${rows[0][0]}22)`].join(",");
  node.style.backgroundSize = [...rows.map(() => "100% 2px"), `100% calc(100% - ${depth * 3}px)`].join(",");
  node.style.backgroundPosition = [...rows.map(([, lane]) => `0 calc(100% - ${(depth - 1 - lane) * 3}px)`), "0 0"].join(",");
  node.style.paddingBottom = `${depth * 3}px`;
  const seen = new Set(), tags = [];
  ending.forEach(e => {
    const name = `${words(S[e[0]])}: ${S[e[1]]}`;
    if (seen.has(name)) return;
    seen.add(name);
    const tag = el("span", { className: "tag", textContent: name.length > 40 ? `${name.slice(0, 39)}…` : name });
    tag.style.background = color(S[e[0]]);
    tags.push(tag);
  });
  return [node, ...tags];
}

const panels = [];
function buildFilters() {
  data.filters.forEach((name, f) => {
    const tally = new Map();
    data.trials.forEach(t => (t.f[f].length ? t.f[f] : [-1]).forEach(v => tally.set(v, (tally.get(v) || 0) + 1)));
    if (tally.size < 2) return;
    const order = [...tally.keys()].sort((a, b) => (a === -1) - (b === -1) || (name === "start_year" ? S[b].localeCompare(S[a]) : tally.get(b) - tally.get(a) || S[a].localeCompare(S[b])));
    const box = el("div"), summary = el("summary", { textContent: words(name) }), details = el("details", { open: f === 0 }, summary);
    const panel = { f, order, box, summary, details, narrow: "", counts: tally };
    if (order.length > 12) {
      const input = el("input", { type: "search", placeholder: `${order.length} values`, ariaLabel: `Find in ${words(name)}` });
      input.addEventListener("input", debounce(() => { panel.narrow = input.value.toLowerCase(); drawPanel(panel); }, 60));
      details.append(input);
    }
    details.append(box);
    details.addEventListener("toggle", () => drawPanel(panel));
    filters.append(details);
    panels.push(panel);
  });
}
function drawPanel(panel) {
  panel.summary.className = chosen[panel.f].size ? "on" : "";
  if (!panel.details.open) return;
  const name = v => v === -1 ? "(not stated)" : S[v];
  const values = panel.order.filter(v => chosen[panel.f].has(v) || name(v).toLowerCase().includes(panel.narrow));
  panel.box.replaceChildren(...values.slice(0, MOST_VALUES).map(v => {
    const input = el("input", { type: "checkbox", checked: chosen[panel.f].has(v) });
    input.addEventListener("change", () => { if (input.checked) chosen[panel.f].add(v); else chosen[panel.f].delete(v); apply(true); });
    return el("label", { className: panel.counts.get(v) ? "" : "none" }, input, el("span", { textContent: words(name(v)).slice(0, 120) }), el("span", { textContent: panel.counts.get(v) || 0 }));
  }));
  if (values.length > MOST_VALUES) panel.box.append(el("p", { className: "soft", textContent: `${values.length - MOST_VALUES} more: type to find them` }));
}
// Each filter counts what the others leave, so that no offered value leads to nothing unannounced.
function drawCounts(terms) {
  panels.forEach(panel => {
    panel.counts = new Map();
    data.trials.forEach((t, n) => { if (matches(t, n, terms, panel.f)) (t.f[panel.f].length ? t.f[panel.f] : [-1]).forEach(v => panel.counts.set(v, (panel.counts.get(v) || 0) + 1)); });
    const focused = panel.box.contains(document.activeElement) ? [...panel.box.querySelectorAll("input")].indexOf(document.activeElement) : -1;
    drawPanel(panel);
    if (focused >= 0) panel.box.querySelectorAll("input")[focused]?.focus();
  });
}
function clear() {
  search.value = "";
  chosen.forEach(set => set.clear());
  filters.querySelectorAll("input[type=search]").forEach(input => { input.value = ""; });
  panels.forEach(panel => { panel.narrow = ""; });
  apply(true);
}
function help() {
  $("help").hidden = !$("help").hidden;
  $("keys").setAttribute("aria-expanded", String(!$("help").hidden));
}
function nextMark() {
  const marks = [...pane.querySelectorAll("mark")];
  if (!marks.length) return;
  marks[mark]?.classList.remove("at");
  mark = (mark + 1) % marks.length;
  marks[mark].classList.add("at");
  marks[mark].scrollIntoView({ block: "center" });
}
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") { list.focus(); return; }
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && event.target.type !== "checkbox") {
    if (event.target === search && event.key === "Enter") list.focus();
    return;
  }
  const inList = !pane.contains(event.target) && !filters.contains(event.target);
  const act = { j: () => select(at + 1), k: () => select(at - 1), o: () => $("registry")?.click(), n: nextMark, "?": help, f: () => filters.querySelector("summary")?.focus(), "/": () => search.select() }[event.key]
    || (inList && { ArrowDown: () => select(at + 1), ArrowUp: () => select(at - 1), Home: () => select(0), End: () => select(hits.length - 1), PageDown: () => select(Math.min(hits.length - 1, at + 10)), PageUp: () => select(Math.max(0, at - 10)) }[event.key]);
  if (act) { event.preventDefault(); act(); }
});
list.addEventListener("scroll", () => requestAnimationFrame(drawRows), { passive: true });
window.addEventListener("resize", drawRows);
window.addEventListener("hashchange", () => { const n = hits.findIndex(h => data.trials[h].i === anchor()); if (n >= 0 && n !== at) select(n); });
search.addEventListener("input", debounce(() => apply(true)));
$("clear").addEventListener("click", clear);
$("keys").addEventListener("click", help);
const wanted = anchor();
buildFilters();
apply(false);
const start = hits.findIndex(h => data.trials[h].i === wanted);
if (start > 0) select(start);
list.focus();
