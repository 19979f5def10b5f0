const data = JSON.parse($("data").textContent);
const S = data.strings, FIELDS = data.fields, SINGLE = new Set(data.single), CLOSED = new Set(data.closed);
const COLUMNS = ["trial_id", "field", "action", "value", "text_sha256", "by", "date", "note"];
const HEIGHT = 64, MARGIN = 8, NONE = "(none)", INCLUDED = ["product", "related"], DOUBT = 0.02;
const ONE_PRODUCT = ["tandem", "bicistronic", "bispecific"];
const list = $("list"), space = $("space"), pane = $("trial"), search = $("search"), form = $("form"), value = $("value");
let hits = [], at = -1, here = { field: "", value: "" }, finish = null;

const percent = share => `${Math.round(100 * share)} %`;
const byText = (a, b) => a < b ? -1 : a > b ? 1 : 0;
const uniq = values => [...new Set(values)];
const today = () => { const now = new Date(); return new Date(now - now.getTimezoneOffset() * 60000).toISOString().slice(0, 10); };

// The decisions: trial -> field -> rows as the file has them, values as lists. Undo holds what stood before.
// Without a prototype, so that no id of a trial is a property of every object.
const bare = (from = {}) => Object.assign(Object.create(null), from);
let work = bare(), put = [], undo = [];
const places = new Map(data.trials.map((t, n) => [t.i, n]));
const listed = text => text.trim().toLowerCase() === NONE ? [] : text.split(";").map(part => part.trim()).filter(Boolean);
const cell = row => row.open ? "" : row.values.join("; ") || NONE;
function opened(row) {
  const made = { ...row, values: listed(row.value), open: row.action === "confirm" && row.value === "" };
  delete made.value;
  return made;
}
function begin() {
  work = bare(); put = []; undo = [];
  data.rows.forEach(row => ((work[row.trial_id] ??= {})[row.field] ??= []).push(opened(row)));
}
const STORE = `cart-nlp review ${data.key}`;
const FILE = JSON.stringify(data.rows);
function restore() {
  begin();
  try {
    $("by").value = localStorage.getItem("cart-nlp by") || "";
    const kept = JSON.parse(localStorage.getItem(STORE) || "null");
    // What was done in the browser goes on, unless another file of corrections came with the page since.
    if (kept && kept.file === FILE) { ({ put, undo } = kept); work = bare(kept.work); }
  } catch { say("This browser keeps no progress: save before you close the page."); }
}
function keep() {
  try { localStorage.setItem(STORE, JSON.stringify({ file: FILE, work, put, undo: undo.slice(-200) })); } catch { /* no storage: the page still saves */ }
}
const rowsOf = (t, field) => work[t.i]?.[field] || [];
const toolValues = (t, field) => t.f[FIELDS.indexOf(field)].map(v => S[v]);
const pins = (row, field) => row.action === "set" || (row.action === "confirm" && !row.open && (SINGLE.has(field) || !row.values.length));

const goneOf = rows => rows.filter(row => row.action === "remove").flatMap(row => row.values);
const givenOf = rows => rows.filter(row => row.action !== "remove").flatMap(row => row.values);
const targetsOf = construct => construct.slice(0, construct.lastIndexOf(" (")).split("+").filter(Boolean);

function valuesOf(t, field) {
  const rows = rowsOf(t, field), pinned = rows.filter(row => pins(row, field)), gone = goneOf(rows);
  if (pinned.length) return uniq(pinned.flatMap(row => row.values)).sort(byText);
  return uniq([...baseOf(t, field), ...givenOf(rows)]).filter(v => !gone.includes(v)).sort(byText);
}
// What a field has before it is decided on itself: the tool's values, but that targets and constructs follow
// what is decided on the other one, as the program makes them do.
function baseOf(t, field) {
  const tool = toolValues(t, field), ofTargets = rowsOf(t, "targets"), ofConstructs = rowsOf(t, "constructs");
  if (field === "targets") {
    const said = givenOf(ofConstructs).flatMap(targetsOf);
    return said.length && !ofTargets.length && ofConstructs.some(row => row.action === "set") ? uniq(said) : uniq([...tool, ...said]);
  }
  if (field !== "constructs" || !ofTargets.length) return tool;
  const targets = valuesOf(t, "targets"), gone = goneOf(ofConstructs), given = givenOf(ofConstructs);
  const left = tool.filter(v => !gone.includes(v)).map(v => given.includes(v) ? v : narrowed(v, targets)).filter(Boolean);
  return left.length || ofConstructs.length || targets.length !== 1 ? uniq(left) : [`${targets[0]} (single)`];
}
function narrowed(construct, targets) {
  const all = targetsOf(construct), left = all.filter(one => targets.includes(one));
  if (left.length === all.length || !left.length) return left.length ? construct : "";
  const form = construct.slice(construct.lastIndexOf("(") + 1, -1);
  return `${left.join("+")} (${left.length === 1 && ONE_PRODUCT.includes(form) ? "single" : form})`;
}
// A decided construct with a target that is decided to be none: the program refuses a file that says both.
function clash(t) {
  const rows = rowsOf(t, "targets"), pinned = rows.filter(row => pins(row, "targets")), gone = goneOf(rows);
  const out = one => gone.includes(one) || (pinned.length && !pinned.some(row => row.values.includes(one)));
  for (const construct of givenOf(rowsOf(t, "constructs"))) {
    const one = targetsOf(construct).find(out);
    if (one) return `not done: ${one} would be no target, but the decided construct ${construct} has it; change or forget one of them first`;
  }
  return "";
}
function stateOf(t, field, v) {
  const rows = rowsOf(t, field), current = valuesOf(t, field);
  if (v && !current.includes(v)) return "removed";
  const mine = rows.find(row => row.action !== "remove" && (v ? row.values.includes(v) : !row.values.length));
  if (!mine) return "";
  return v && !baseOf(t, field).includes(v) ? "added" : "accepted";
}
function shownValues(t, field) {
  const now = valuesOf(t, field), gone = toolValues(t, field).filter(v => !now.includes(v));
  return [...now, ...gone].length ? [...now, ...gone] : [""];
}
const decided = t => Object.values(work[t.i] || {}).some(rows => rows.length);

function change(t, field, rows, said) {
  const before = rowsOf(t, field);
  store(t.i, field, rows);
  const fault = field === "targets" || field === "constructs" ? clash(t) : "";
  if (fault) store(t.i, field, before); else undo.push([[t.i, field, before]]);
  keep();
  say(fault || said);
  draw();
}
function store(id, field, rows) {
  const left = rows.filter(row => row.values.length || row.open || pins(row, field));
  if (left.length) (work[id] ??= {})[field] = left;
  else if (work[id]) { delete work[id][field]; if (!Object.keys(work[id]).length) delete work[id]; }
}
const me = () => $("by").value.trim();
function fresh(t, field, action, values) {
  const note = rowsOf(t, field).filter(row => row.by === me()).map(row => row.note).find(Boolean) || "";
  return { trial_id: t.i, field, action, values: uniq(values).sort(byText), open: false, text_sha256: t.h, by: me(), date: today(), note };
}
// Whether a decision may grow by another value: one of another person, day or text keeps its own row.
const grows = (t, row) => !row.open && row.by === me() && row.date === today() && row.text_sha256 === t.h;
// Rows of a field with some values given another action; what else was decided on the field stays.
function moved(t, field, values, action, before) {
  // An open row confirms what the tool says, whatever that is: no longer so where some of it is removed.
  const standing = (before || rowsOf(t, field)).filter(row => !row.open || action !== "remove");
  const rows = standing.map(row => pins(row, field) ? row : { ...row, values: row.values.filter(v => !values.includes(v)) });
  const pinned = rows.find(row => pins(row, field));
  const within = pinned && action !== "remove" && !grows(t, pinned) && values.every(v => pinned.values.includes(v));
  const said = within ? "confirm" : action;
  const same = rows.find(row => row.action === said && grows(t, row));
  const mine = [...(same ? same.values : []), ...values];
  if (!pinned || (within && !pinned.values.every(v => mine.includes(v)))) return [...rows.filter(row => row !== same), fresh(t, field, said, mine)];
  const left = pinned.values.filter(v => !values.includes(v));
  return setTo(t, field, action === "remove" ? left : [...left, ...values], mine, rows);
}
// A field set as a whole. What another person, day or text decided of it stays in a row of its own, but for
// `mine`; as only one row can say what the field is, one that did so confirms its values from now on.
function setTo(t, field, whole, mine, rows) {
  const holds = (row, v) => !mine.includes(v) && whole.includes(v) !== (row.action === "remove");
  const earlier = rows.filter(row => !grows(t, row)).map(row => ({ ...row, action: pins(row, field) ? "confirm" : row.action, values: row.values.filter(v => holds(row, v)) }));
  return [...earlier.filter(row => row.values.length), fresh(t, field, "set", whole)];
}
// Rows of a field without a value: one that was added is just not added any more.
function without(t, field, v) {
  const rows = rowsOf(t, field);
  if (baseOf(t, field).includes(v) || rows.some(row => pins(row, field))) return moved(t, field, [v], "remove");
  return rows.map(row => ({ ...row, values: row.values.filter(one => one !== v) }));
}
function accept(t, field, v) {
  if (!v) return change(t, field, [fresh(t, field, "confirm", [])], `${words(field)}: nothing stated, accepted`);
  if (SINGLE.has(field)) return change(t, field, [fresh(t, field, toolValues(t, field).includes(v) ? "confirm" : "set", [v])], `${v} accepted`);
  const known = toolValues(t, field).includes(v) || stateOf(t, field, v) !== "added";
  change(t, field, moved(t, field, [v], known ? "confirm" : "add"), `${v} accepted`);
}
function removed(t, field, v) {
  if (!v) return say("There is no value to remove.");
  if (field === "car_trial") return change(t, field, [fresh(t, field, "set", ["no"])], "taken out");
  if (SINGLE.has(field)) return change(t, field, [fresh(t, field, "set", [])], `${v} removed`);
  change(t, field, without(t, field, v), baseOf(t, field).includes(v) ? `${v} removed` : `${v} removed again`);
}
function added(t, field, v) {
  if (SINGLE.has(field)) return change(t, field, [fresh(t, field, "set", [v])], `${words(field)} is ${v}`);
  change(t, field, moved(t, field, listed(v), "add"), `${v} added`);
}
function changed(t, field, from, to) {
  if (SINGLE.has(field) || !from) return added(t, field, to);
  const values = listed(to);
  here.value = values[0];
  change(t, field, moved(t, field, values, "add", without(t, field, from)), `${from} changed to ${to}`);
}
function acceptTrial(t) {
  const included = INCLUDED.includes(valuesOf(t, "car_trial")[0]), before = [];
  const seen = FIELDS.map(field => valuesOf(t, field).map(v => [v, stateOf(t, field, v)]));
  FIELDS.forEach((field, f) => {
    if (field !== "car_trial" && !included) return;
    const now = seen[f].map(([v]) => v), open = seen[f].filter(([, state]) => !state).map(([v]) => v);
    if (!now.length && t.p[f] < DOUBT) return;
    if (now.length && !open.length) return;
    before.push([t.i, field, rowsOf(t, field)]);
    const whole = SINGLE.has(field) || !now.length, tool = toolValues(t, field);
    // What the tool does not say, but follows from another decision, holds only where the field is set.
    store(t.i, field, whole ? [fresh(t, field, "confirm", now)] : open.every(v => tool.includes(v)) ? moved(t, field, open, "confirm") : setTo(t, field, now, open, rowsOf(t, field)));
  });
  if (before.length) undo.push(before);
  keep();
  say(`${t.i} accepted`);
  select(at + 1 < hits.length ? at + 1 : at);
}
function takeBack() {
  const last = undo.pop();
  if (!last) return say("There is nothing to undo.");
  last.forEach(([id, field, rows]) => { if (field === "") put = put.filter(row => row.trial_id !== id); else store(id, field, rows); });
  const [id, field] = last[0];
  keep();
  say(field ? `undone: ${id} ${words(field)}` : `undone: ${id}`);
  const n = hits.indexOf(places.get(id));
  if (field) here = { field, value: "" };
  if (n >= 0 && n !== at) select(n, true); else draw();
}

// Asking for a value: checked against the schema's lists, told where the lexicons do not know it.
function faultOf(field, text) {
  const parts = SINGLE.has(field) ? [text] : listed(text);
  if (parts.length > 1 && parts.some(part => !listed(part).length)) return `${NONE} beside other values: keep one or the other`;
  for (const part of parts) {
    if (field === "constructs") {
      const found = /^\s*([^()]*?)\s*\(\s*([a-z_ ]+?)\s*\)\s*$/i.exec(part);
      if (!found || !data.formats.includes(found[2].toLowerCase())) return `write it like CD19+CD22 (tandem); formats: ${data.formats.join(", ")}`;
    } else if (CLOSED.has(field) && !data.known[field].includes(part)) return `${part}: no value of ${words(field)}; there are ${data.known[field].join(", ")}`;
  }
  return "";
}
const tidy = (field, text) => field !== "constructs" ? text.trim() : text.split(";").map(part => { const found = /^\s*([^()]*?)\s*\(\s*([a-z_ ]+?)\s*\)\s*$/i.exec(part); return found ? `${uniq(found[1].split("+").map(one => one.trim()).filter(Boolean)).sort(byText).join("+")} (${found[2].toLowerCase()})` : part.trim(); }).join("; ");
function ask(question, start, field, then) {
  $("asked").textContent = question;
  value.value = start;
  $("fault").textContent = "";
  $("known").replaceChildren(...(field === "constructs" ? data.formats.map(one => `CD19 (${one})`) : data.known[field] || []).map(one => el("option", { value: one })));
  form.hidden = false;
  value.focus();
  value.select();
  finish = { field, then };
}
function close() {
  form.hidden = true;
  finish = null;
  focusHere();
}
form.addEventListener("submit", event => {
  event.preventDefault();
  const { field, then } = finish, text = tidy(field, value.value);
  const fault = field in data.known || field === "constructs" ? faultOf(field, text) : "";
  if (fault) { $("fault").textContent = fault; return; }
  close();
  then(text);
});
$("cancel").addEventListener("click", close);

const actions = {
  accept: (t, f, v) => { accept(t, f, v); step(1); },
  remove: removed,
  change: (t, f, v) => ask(`${words(f)}: ${v || "nothing"} becomes`, v, f, text => listed(text).length && text !== v && changed(t, f, v, text)),
  add: (t, f) => ask(`${words(f)}: add`, "", f, text => listed(text).length && added(t, f, text)),
  whole: (t, f) => ask(`${words(f)}: all values, joined by ; (empty: nothing is stated)`, valuesOf(t, f).join("; "), f, text => f === "car_trial" && !text ? say("car trial needs a value") : change(t, f, [fresh(t, f, "set", listed(text))], `${words(f)} set`)),
  note: (t, f) => {
    const rows = rowsOf(t, f), mine = rows.filter(row => !row.by || row.by === me());
    if (!rows.length) return say("Decide first, then say why.");
    if (!mine.length) return say(`This is decided by ${rows[0].by}: decide it in your own name first, then say why.`);
    ask(`${words(f)}: note`, mine[0].note, "", text => change(t, f, rows.map(row => mine.includes(row) ? { ...row, note: text } : row), "noted"));
  },
  forget: (t, f) => rowsOf(t, f).length ? change(t, f, [], `${words(f)}: as the tool has it`) : say("Nothing was decided on this field."),
  trial: acceptTrial,
  out: t => change(t, "car_trial", [fresh(t, "car_trial", "set", ["no"])], `${t.i} taken out`),
  in: t => change(t, "car_trial", [fresh(t, "car_trial", "set", ["product"])], `${t.i} put in`),
};
const current = () => at >= 0 ? data.trials[hits[at]] : undefined;
function act(name) {
  const t = current();
  if (t) actions[name](t, here.field, here.value);
}
function putIn() {
  ask("Number of a trial that the tool left out", "", "", text => {
    const id = text.trim();
    if (!id) return;
    if (places.has(id)) { const n = hits.indexOf(places.get(id)); if (n >= 0) select(n); return say(`${id} is on this page`); }
    undo.push([[id, "", []]]);
    put = [...put.filter(row => row.trial_id !== id), { trial_id: id, field: "car_trial", action: "set", values: ["product"], open: false, text_sha256: "", by: $("by").value.trim(), date: today(), note: "" }];
    keep();
    say(`${id} put in`);
    drawState();
  });
}

// Saving: the same bytes as the program writes.
function csv(rows) {
  const quoted = text => /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const guarded = text => text.replace(/(^|; ?)(?=\s*[=+\-@＝＋－＠])/g, "$1'");
  const clean = text => text.replace(/[\t\n\v\f\r\x85\u2028\u2029]+/g, " ").replace(/[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, "");
  return "\ufeff" + [COLUMNS, ...rows.map(row => COLUMNS.map(name => guarded(clean(row[name] || ""))))].map(cells => `${cells.map(quoted).join(",")}\r\n`).join("");
}
function allRows() {
  const rows = [];
  data.trials.forEach(t => FIELDS.forEach(field => rowsOf(t, field).forEach(row => rows.push({ ...row, value: cell(row) }))));
  const mine = new Set(put.map(row => `${row.trial_id} ${row.field}`));
  return [...rows, ...put.map(row => ({ ...row, value: cell(row) })), ...data.others.filter(row => !mine.has(`${row.trial_id} ${row.field}`))];
}
function save() {
  const rows = allRows();
  const link = el("a", { href: URL.createObjectURL(new Blob([csv(rows)], { type: "text/csv" })), download: "corrections.csv" });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  say(`corrections.csv: ${many(rows.length, "row")}`);
}

// The list: only what is in view is drawn.
const haystack = data.trials.map(t => [t.i, t.t, ...t.f.flat().map(v => S[v])].join("\n").toLowerCase());
const orders = { "": ["chance of an error", (a, b) => a - b], id: ["trial number", (a, b) => byText(data.trials[a].i, data.trials[b].i)], title: ["title", (a, b) => byText(data.trials[a].t.toLowerCase(), data.trials[b].t.toLowerCase())] };
FIELDS.forEach((field, f) => { orders[field] = [`doubt: ${words(field)}`, (a, b) => data.trials[b].p[f] - data.trials[a].p[f] || a - b]; });
$("order").append(...Object.entries(orders).map(([name, [label]]) => el("option", { value: name, textContent: label })));
const stale = t => t.w.some(why => why.includes("stale correction"));
const filters = { all: () => true, open: t => !decided(t), done: decided, stale };

function apply(keepPlace) {
  const before = keepPlace && at >= 0 ? hits[at] : undefined, terms = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = filters[$("show").value];
  hits = data.trials.map((t, n) => n).filter(n => wanted(data.trials[n]) && terms.every(term => haystack[n].includes(term))).sort(orders[$("order").value][1]);
  space.style.height = `${hits.length * HEIGHT}px`;
  at = -1;
  const place = Math.max(0, hits.indexOf(before));
  if (hits.length) select(place, hits[place] === before);
  else { pane.replaceChildren(el("p", { className: "soft", textContent: data.trials.length ? "No trial matches." : "There is nothing to review." })); drawRows(); drawState(); }
}
function many(count, what) { return `${count} ${what}${count === 1 ? "" : "s"}`; }
function drawState() {
  const done = data.trials.filter(decided).length;
  $("state").textContent = `${done} of ${data.trials.length} decided, ${many(allRows().length, "correction")}${hits.length < data.trials.length ? `, ${hits.length} shown` : ""}`;
}
function drawRows() {
  const first = Math.max(0, Math.floor(list.scrollTop / HEIGHT) - MARGIN);
  const last = Math.min(hits.length, Math.ceil((list.scrollTop + list.clientHeight) / HEIGHT) + MARGIN);
  const f = FIELDS.indexOf($("order").value), rows = [];
  for (let n = first; n < last; n++) {
    const t = data.trials[hits[n]], worst = t.p.indexOf(Math.max(...t.p));
    const why = t.p[worst] > 0 ? `${FIELDS[worst].replaceAll("_", " ")} ${percent(t.p[worst])}${t.w[worst].length ? `: ${t.w[worst][0]}` : ""}` : t.w.flat()[0] || "";
    const row = el("div", { className: decided(t) ? "row done" : "row", id: `row-${n}`, role: "option", ariaSelected: String(n === at) },
      el("div", { className: "first" }, el("b", { textContent: t.i }), el("span", { className: "soft", textContent: t.d.slice(0, 80) }), el("span", { className: "percent", textContent: percent(f < 0 ? t.x : t.p[f]) })),
      el("div", { textContent: t.t.slice(0, 200) || "(no title)" }), el("small", { textContent: why.slice(0, 120) }));
    row.setAttribute("aria-setsize", hits.length);
    row.setAttribute("aria-posinset", n + 1);
    row.style.top = `${n * HEIGHT}px`;
    row.addEventListener("click", () => select(n));
    rows.push(row);
  }
  space.replaceChildren(...rows);
  if (at >= 0) list.setAttribute("aria-activedescendant", `row-${at}`); else list.removeAttribute("aria-activedescendant");
}
function select(n, keepHere) {
  if (n < 0 || n >= hits.length) return;
  at = n;
  const top = n * HEIGHT;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (top + HEIGHT > list.scrollTop + list.clientHeight) list.scrollTop = top + HEIGHT - list.clientHeight;
  const t = current();
  if (!keepHere) {
    const worst = Math.max(0, t.p.indexOf(Math.max(...t.p)));
    here = { field: FIELDS[worst], value: shownValues(t, FIELDS[worst])[0] };
  }
  draw();
  pane.scrollTop = 0;
}
function draw() { drawRows(); drawTrial(); drawState(); }

// One trial: its fields, the doubtful ones first, and the words for the chosen one beside them.
function fieldsOf(t) {
  const included = INCLUDED.includes(valuesOf(t, "car_trial")[0]);
  const order = FIELDS.map((field, f) => f).sort((a, b) => (t.p[b] >= DOUBT ? t.p[b] : 0) - (t.p[a] >= DOUBT ? t.p[a] : 0) || a - b);
  return order.filter(f => included || FIELDS[f] === "car_trial" || rowsOf(t, FIELDS[f]).length).map(f => FIELDS[f]);
}
function drawTrial() {
  const t = current();
  if (!t) return;
  const fields = fieldsOf(t);
  if (!fields.includes(here.field)) here = { field: fields[0], value: "" };
  if (!shownValues(t, here.field).includes(here.value)) here.value = shownValues(t, here.field)[0];
  const had = pane.contains(document.activeElement);
  const boxes = fields.map(field => {
    const f = FIELDS.indexOf(field), sure = t.c[f];
    const legend = el("legend", {}, words(field), " ", el("small", { textContent: sure === null ? (t.p[f] ? `doubt ${percent(t.p[f])}` : "") : `sure ${percent(sure)}` }));
    const box = el("fieldset", { className: `${field === here.field ? "at" : ""} ${t.p[f] >= DOUBT ? "doubt" : ""}` }, legend);
    const values = el("div", { className: "values" });
    shownValues(t, field).forEach(v => {
      const state = stateOf(t, field, v), chosen = field === here.field && v === here.value;
      const button = el("button", { type: "button", className: `value ${state} ${v ? "" : "none"} ${chosen ? "at" : ""}`, textContent: v || "(nothing stated)" });
      button.setAttribute("aria-label", `${words(field)}: ${v || "nothing stated"}${state ? `, ${state}` : ", not decided"}`);
      if (chosen) { button.id = "here"; button.setAttribute("aria-current", "true"); }
      button.addEventListener("click", () => { here = { field, value: v }; drawTrial(); focusHere(); });
      values.append(button);
    });
    box.append(values);
    t.w[f].forEach(why => box.append(el("p", { className: "why", textContent: why })));
    rowsOf(t, field).forEach(row => { if (row.note || row.by) box.append(el("small", { className: "soft", textContent: `${row.action} ${row.open ? "" : row.values.join("; ") || NONE} · ${[row.by, row.date, row.note].filter(Boolean).join(" · ")}` }), el("br")); });
    return box;
  });
  const head = el("p", { className: "soft" }, t.i, " ", t.u ? el("a", { href: t.u, target: "_blank", rel: "noopener noreferrer", textContent: "Open in the registry ↗" }) : "", ` · chance of an error ${percent(t.x)}`);
  pane.replaceChildren(el("h2", { textContent: t.t || "(no title)" }), head, el("div", { className: "two" }, el("div", { id: "fields" }, ...boxes), el("div", { id: "words" }, ...wordsFor(t))));
  if (had) focusHere();
  $("words").querySelector("mark.at")?.scrollIntoView({ block: "nearest" });
}
function wordsFor(t) {
  const field = here.field, mine = t.e.filter(e => S[e[0]] === field);
  const parts = [el("h3", { textContent: `Evidence: ${words(field)}` })];
  if (!mine.length) parts.push(el("p", { className: "soft", textContent: "Nothing in the record speaks for this field." }));
  mine.forEach(e => {
    const [, v, basis, section, text, rule, who, replaced] = e.slice(0, 8).map(n => S[n]);
    if (v === here.value || basis === "curator" || e[8] < 0) parts.push(el("p", { className: "quote" }, el("b", { textContent: v || (replaced ? `not ${replaced}` : "nothing") }), ` ${[basis, section, text && `“${text}”`, rule, who, replaced && v ? `instead of ${replaced}` : ""].filter(Boolean).join(" · ")}`));
  });
  if (!t.s.length) return parts;
  t.s.forEach(([name, text]) => {
    const spans = t.e.filter(e => e[3] === name && e[8] >= 0 && S[e[2]] === "text").map(e => ({ from: e[8], to: e[9], kind: S[e[0]] === field ? (S[e[1]] === here.value ? "at" : "") : "other", tag: `${S[e[0]] === field ? "" : `${words(S[e[0]])}: `}${S[e[1]]}` }));
    const taken = new Set(t.e.filter(e => S[e[0]] === "targets").map(e => `${e[3]} ${e[8]} ${e[9]}`));
    t.m.forEach(m => { if (m[0] === name && !taken.has(`${m[0]} ${m[3]} ${m[4]}`)) spans.push({ from: m[3], to: m[4], kind: "role", tag: S[m[2]] === "target" ? `${S[m[1]]}: no target` : `${S[m[1]]}: ${S[m[2]]}` }); });
    const near = spans.filter(span => span.kind !== "other");
    if (!spans.length && text.length > 600) parts.push(el("details", {}, el("summary", { textContent: `${S[name]} (${text.length} characters, nothing marked)` }), el("p", { className: "text", textContent: text })));
    else parts.push(el("h3", { textContent: S[name] }), marked(text, near.length ? spans : spans.filter(span => span.kind === "other")));
  });
  return parts;
}
function marked(text, spans) {
  const p = el("p", { className: "text" });
  const edges = uniq([0, text.length, ...spans.flatMap(span => [span.from, span.to])]).sort((a, b) => a - b);
  for (let n = 0; n + 1 < edges.length; n++) {
    const [from, to] = [edges[n], edges[n + 1]], over = spans.filter(span => span.from <= from && span.to >= to);
    if (!over.length) { p.append(text.slice(from, to)); continue; }
    const kinds = uniq(over.map(span => span.kind)), kind = kinds.includes("at") ? "at" : kinds.includes("") ? "" : kinds.includes("role") ? "role" : "other";
    p.append(el("mark", { className: kind, textContent: text.slice(from, to) }));
    uniq(over.filter(span => span.to === to).map(span => `${span.kind}\n${span.tag}`)).forEach(said => {
      const [sort, tag] = said.split("\n");
      p.append(el("span", { className: `tag ${sort}`, textContent: tag.length > 50 ? `${tag.slice(0, 49)}…` : tag }));
    });
  }
  return p;
}
function focusHere() { ($("here") || list).focus({ preventScroll: false }); }
function step(by) {
  const t = current();
  const all = fieldsOf(t).flatMap(field => shownValues(t, field).map(v => ({ field, value: v })));
  const n = all.findIndex(one => one.field === here.field && one.value === here.value) + by;
  if (n < 0 || n >= all.length) return;
  here = all[n];
  drawTrial();
  focusHere();
}
function nextDoubt() {
  const t = current(), fields = fieldsOf(t).filter(field => t.p[FIELDS.indexOf(field)] >= DOUBT && !rowsOf(t, field).length);
  const field = fields.find(one => one !== here.field);
  if (!field) { select(at + 1); focusHere(); return; }
  here = { field, value: shownValues(t, field)[0] };
  drawTrial();
  focusHere();
}
function say(text) { $("said").textContent = text; }
function help() {
  $("help").hidden = !$("help").hidden;
  $("keys").setAttribute("aria-expanded", String(!$("help").hidden));
}
function go(by) { const inPane = pane.contains(document.activeElement); select(at + by); if (inPane) focusHere(); else list.focus(); }
const keys = {
  j: () => go(1), k: () => go(-1), f: () => step(1), d: () => step(-1), g: nextDoubt, u: takeBack, s: save, p: putIn, "?": help, "/": () => search.select(),
  a: () => act("accept"), r: () => act("remove"), c: () => act("change"), n: () => act("add"), e: () => act("whole"), t: () => act("note"), z: () => act("forget"), v: () => act("trial"), x: () => act("out"), i: () => act("in"),
};
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") { if (!form.hidden) close(); else list.focus(); return; }
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) {
    if (event.target === search && event.key === "Enter") list.focus();
    return;
  }
  const inList = document.activeElement === list;
  const run = keys[event.key] || (inList && { ArrowDown: () => go(1), ArrowUp: () => go(-1), Home: () => select(0), End: () => select(hits.length - 1), PageDown: () => select(Math.min(hits.length - 1, at + 10)), PageUp: () => select(Math.max(0, at - 10)), Enter: focusHere }[event.key]);
  if (run) { event.preventDefault(); run(); }
});
document.querySelectorAll("#tools button").forEach(button => button.addEventListener("click", () => act(button.dataset.do)));
list.addEventListener("scroll", () => requestAnimationFrame(drawRows), { passive: true });
window.addEventListener("resize", drawRows);
search.addEventListener("input", debounce(() => apply(true)));
$("order").addEventListener("change", () => apply(false));
$("show").addEventListener("change", () => apply(true));
$("by").addEventListener("change", () => { try { localStorage.setItem("cart-nlp by", $("by").value.trim()); } catch { /* no storage */ } });
$("save").addEventListener("click", save);
$("undo").addEventListener("click", takeBack);
$("putin").addEventListener("click", putIn);
$("keys").addEventListener("click", help);
restore();
apply(false);
list.focus();
