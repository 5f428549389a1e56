// All of this is a convenience: every page reads whole without it.
"use strict";
const root = document.body.dataset.root;
const get = (path) => fetch(root + path).then((answer) => {
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
});
const make = (tag, text = "", attributes = {}) => {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};
const page = (kind, ...names) => `${root}${kind}/${names.map(encodeURIComponent).join("--").replaceAll("%2B", "+").replaceAll("%21", "!")}.html`;

// Ages
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const days = (time) => Math.floor((Date.now() - new Date(time.dateTime)) / 864e5);
const age = (n) => n < 1 ? "less than a day ago" : n < 60 ? relative.format(-n, "day") : n < 730 ? relative.format(-Math.floor(n / 30), "month") : relative.format(-Math.floor(n / 365), "year");
for (const time of document.querySelectorAll("time[datetime]")) time.append(` (${age(days(time))})`);
const made = document.querySelector("footer time");
if (made && days(made) >= 7) {
  document.querySelector(".stale").hidden = false;
  document.body.classList.add("old");
}

// Copying
for (const block of document.querySelectorAll("pre.copy")) {
  if (!navigator.clipboard) break;
  const frame = make("div", "", { class: "copied" });
  const button = make("button", "Copy", { type: "button", "aria-label": `Copy: ${block.getAttribute("aria-label")}` });
  button.addEventListener("click", () => navigator.clipboard.writeText(block.textContent).then(() => {
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  }));
  block.replaceWith(frame);
  frame.append(block, button);
}

// Sorting
const value = (row, column) => row.cells[column]?.querySelector("time")?.dateTime ?? row.cells[column]?.textContent.trim() ?? "";
for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = make("button", head.textContent, { type: "button" });
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      for (const body of table.tBodies) {
        const rows = [...body.rows].sort((one, two) => value(one, column).localeCompare(value(two, column), "en", { numeric: true }));
        body.append(...(descending ? rows.reverse() : rows));
      }
    });
  });
}

// Search
const find = document.querySelector("form.find"), field = document.getElementById("find"), found = document.getElementById("found");
let searched = null;
const pages = [["What to install", "index.html"], ["Tonight: what broke", "tonight.html"], ["My versions", "selector.html"],
  ["How it was measured", "measured.html"], ["What the words mean", "glossary.html"], ["Data, JSON, feeds", "data.html"],
  ["Artifacts", "artifacts.html"], ["Accelerators: GPU, TPU", "accelerators.html"], ["Islands", "islands.html"], ["Failures", "failures.html"],
  ["Features that do not work", "features.html"]];
const results = (data, text) => {
  const words = text.toLowerCase().replace(/[=,?]+/g, " ").replace(/\bpython *\d+\.\d+|\b(with|and|on|for)\b/g, " ").split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const names = (one, word) => one.name.toLowerCase().includes(word) || one.title.toLowerCase().includes(word);
  const versions = words.filter((word) => /^\d/.test(word));
  const known = words.every((word) => versions.includes(word) || data.components.some((one) => names(one, word)));
  const fits = (...texts) => words.every((word) => texts.some((one) => one.toLowerCase().includes(word)));
  const hits = [];
  for (const one of data.components) {
    if (fits(one.name, one.title)) hits.push([one.title, page("component", one.name)]);
    if (known && words.some((word) => names(one, word)))
      for (const version of one.releases.filter((its) => versions.some((word) => its.startsWith(word))).slice(0, 6))
        hits.push([`${one.title} ${version}: what goes with it`, page("release", one.name, version)]);
  }
  for (const [words_, href] of pages) if (fits(words_)) hits.push([words_, root + href]);
  for (const pair of data.pairs) if (words.length > 1 && fits(pair)) hits.push([pair.replace("--", " with "), page("pair", ...pair.split("--"))]);
  for (const [id, shown, error] of data.advisories) if (fits(id, `${shown} ${error}`)) hits.push([`${id}: ${shown}`, page("advisory", id)]);
  for (const [id, shown, error] of data.failures) if (fits(id, `${shown} ${error}`)) hits.push([`Failure ${id}: ${shown}`, page("failure", id)]);
  return hits.slice(0, 12);
};
const show = () => {
  const text = field.value.trim();
  if (!text) { found.hidden = true; return; }
  searched ??= get("assets/search.json");
  searched.then((data) => {
    const items = results(data, text).map(([words, href]) => { const item = make("li"); item.append(make("a", words, { href })); return item; });
    found.replaceChildren(...(items.length ? items : [make("li", "Nothing is known under these words.")]));
    found.hidden = false;
  }, () => { found.replaceChildren(make("li", "The search needs the site to be served by a web server.")); found.hidden = false; });
};
find.hidden = false;
field.addEventListener("input", show);
find.addEventListener("submit", (event) => { event.preventDefault(); found.querySelector("a")?.click(); });
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName) && !event.ctrlKey && !event.metaKey) { event.preventDefault(); field.focus(); }
  if (event.key === "Escape" && !found.hidden) { found.hidden = true; field.focus(); }
});

// All cells, filtered
const filter = document.querySelector("form[data-cells]");
if (filter) {
  const input = filter.querySelector("input"), status = filter.querySelector("[role=status]"), body = document.querySelector("#cells tbody");
  const whole = [...body.rows];
  let cells = null;
  const narrow = () => {
    const words = input.value.toLowerCase().replace(/[=,]+/g, " ").split(/\s+/).filter(Boolean);
    history.replaceState(null, "", words.length ? `?q=${encodeURIComponent(input.value)}` : location.pathname);
    if (!words.length) { body.replaceChildren(...whole); status.textContent = ""; return; }
    cells ??= get("api/v1/cells.json");
    cells.then((data) => {
      const text = (cell) => ` ${cell.id} ${cell.python} ${cell.verdict} ${cell.level} ${cell.why} ${cell.versions} `.toLowerCase().replace(/,/g, " ");
      const hits = data.cells.filter((cell) => { const its = text(cell); return words.every((word) => its.includes(` ${word}`)); });
      status.textContent = `${hits.length} of ${data.cells.length} cells${hits.length > 100 ? "; the first 100 are shown" : ""}`;
      body.replaceChildren(...hits.slice(0, 100).map((cell) => {
        const row = make("tr"), head = make("th", "", { scope: "row" });
        head.append(make("a", cell.id.slice(0, 8), { href: page("cell", cell.id), class: "id" }));
        row.append(head, make("td", cell.python, { "data-head": "Python" }), make("td", `${cell.verdict} ${cell.level}`, { "data-head": "Verdict" }), make("td", cell.why, { class: "words", "data-head": "Why it was tried" }), make("td", cell.versions, { class: "words", "data-head": "Versions" }));
        return row;
      }));
    }, () => { status.textContent = "The filter needs the site to be served by a web server."; });
  };
  filter.hidden = false;
  filter.addEventListener("submit", (event) => event.preventDefault());
  input.addEventListener("input", narrow);
  input.value = new URLSearchParams(location.search).get("q") ?? "";
  if (input.value) narrow();
}

// The selector: the address is the question
const selector = document.getElementById("selector");
if (selector) start();

async function start() {
  const answer = document.getElementById("answer"), chosen = document.getElementById("chosen"), python = document.getElementById("python");
  const pick = document.getElementById("pick"), version = document.getElementById("version");
  let index;
  try { index = await get("api/v1/index.json"); } catch {
    answer.append(make("p", "The selector needs the site to be served by a web server. The pages of single releases below say the same."));
    return;
  }
  const titles = Object.fromEntries([...pick.options].map((option) => [option.value, option.textContent]));
  const question = () => {
    const asked = new URLSearchParams(location.search), versions = {};
    for (const [name, its] of asked) if (name !== "python") versions[component(name, index)] = its.trim().replace(/^(=+|v)/, "");
    return { versions, python: asked.get("python") ?? python.options[0]?.value ?? "" };
  };
  const ask = (versions, its) => {
    const asked = new URLSearchParams(versions);
    asked.set("python", its);
    history.pushState(null, "", `?${asked}`);
    render();
  };
  const choices = () => version.replaceChildren(...[...(index.releases[pick.value] ?? [])].reverse().map((its) => make("option", its)));
  pick.addEventListener("change", choices);
  document.getElementById("add").addEventListener("click", () => {
    if (pick.value && version.value) { const now = question(); ask({ ...now.versions, [pick.value]: version.value }, python.value); }
  });
  python.addEventListener("change", () => ask(question().versions, python.value));
  window.addEventListener("popstate", render);
  selector.hidden = false;
  render();

  async function render() {
    const { versions, python: its } = question();
    if ([...python.options].some((option) => option.value === its)) python.value = its;
    chosen.replaceChildren(...Object.entries(versions).map(([name, held]) => {
      const item = make("li", `${titles[name] ?? name} ${held} `), button = make("button", "Remove", { type: "button", "aria-label": `Remove ${name} ${held}` });
      button.addEventListener("click", () => { const rest = { ...versions }; delete rest[name]; ask(rest, python.value); });
      item.append(button);
      return item;
    }));
    if (!Object.keys(versions).length) { answer.replaceChildren(make("p", "Add a version to see what goes with it.")); return; }
    const loaded = {}, missing = [];
    await Promise.all(Object.entries(versions).map(([name, held]) => get(`api/v1/release/${encodeURIComponent(name)}/${encodeURIComponent(held)}.json`)
      .then((file) => { loaded[name] = file; }, () => missing.push([name, held]))));
    const parts = [];
    for (const [name, held] of missing) {
      const known = index.releases[name];
      parts.push(make("p", known ? `${titles[name]} ${held} is not known: it was not tried. Tried releases: ${[...known].reverse().slice(0, 12).join(", ")}${known.length > 12 ? " and older ones" : ""}.` : `"${name}" is no component of this table.`));
    }
    if (!index.sets[its]) parts.push(make("p", `Python ${its} is not in this table; it has ${Object.keys(index.sets).join(", ")}.`));
    if (!Object.keys(loaded).length || !index.sets[its]) { answer.replaceChildren(...parts); return; }
    parts.push(...await answered(versions, its, loaded, missing, titles, index));
    answer.replaceChildren(...parts);
  }
}

const shown = { "works": "✓ tested together", "met": "✓ installed together, no test uses both", "inferred works": "(✓) inferred to work", "works elsewhere": "✓ on another Python only",
  "broken": "✗ broken", "inferred broken": "(✗) inferred to be broken", "broken elsewhere": "✗ broken on another Python", "not known": "? no verdict" };
const depths = ["reserved", "resolve", "install", "import", "lower", "compile", "run", "interop", "exchange", "upstream"];

// People name a component or its distribution, in large or small letters.
function component(name, index) {
  const is = (other) => other?.toLowerCase() === name.toLowerCase();
  return Object.keys(index.releases).find(is) ?? Object.keys(index.distributions).find((one) => is(index.distributions[one])) ?? name;
}

// The red sets and the advisories that speak against releases of which every two work
async function contrary(versions, names, python, distributions) {
  const red = [], hits = [], of = (one) => one.versions.split(", ").map((its) => [its.slice(0, its.lastIndexOf(" ")), its.slice(its.lastIndexOf(" ") + 1)]);
  const { cells } = await get("api/v1/cells.json");
  for (const cell of cells) {
    if (cell.python !== python || !["broken", "uninstallable"].includes(cell.verdict) || cell.level === "upstream") continue;
    if (!of(cell).every(([name, its]) => versions[name] === its)) continue;
    const line = make("p", "A tested set of these is broken, in cell ");
    line.append(make("a", cell.id.slice(0, 8), { href: page("cell", cell.id) }));
    red.push(line);
  }
  const files = await Promise.all(names.map((name) => get(`api/v1/component/${encodeURIComponent(name)}.json`)));
  const ids = [...new Set(files.flatMap((file) => file.advisories))];
  for (const { advisory, sentence } of await Promise.all(ids.map((id) => get(`api/v1/advisory/${encodeURIComponent(id)}.json`)))) {
    const has = (distribution) => names.some((name) => distributions[name] === distribution);
    const together = advisory.together.some((its) => advisory.sides.every((side, place) => versions[side.component] === its[place]));
    if (advisory.level === "upstream" || !together || !advisory.beside.every(has) || has(advisory.without)) continue;
    const line = make("p", "✗ ");
    line.append(make("a", advisory.id, { href: page("advisory", advisory.id) }), ` ${sentence}`);
    hits.push(line);
  }
  return { red, hits };
}

async function answered(versions, python, loaded, missing, titles, index) {
  const parts = [], names = Object.keys(versions).filter((name) => name in loaded);
  const fact = (name, other, its) => loaded[name].pythons[python]?.[other]?.find((one) => one.version === its) ?? null;
  const sure = (one) => one?.state === "broken" && !one.doubt;
  const words = (one) => one ? `${one.state === "broken" && one.doubt ? "? likely broken" : shown[one.state]}${["works", "inferred works", "works elsewhere"].includes(one.state) ? ` up to ${one.level ?? "interop"}` : one.state.includes("broken") ? ` at ${one.level ?? "interop"}` : ""}${one.python ? ` (Python ${one.python})` : ""}${one.doubt ? "; a third component can be at fault" : ""}${one.why ? `: ${one.why}` : ""}` : "? not known";
  // 1. What was asked for, together
  const lists = names.map((name) => new Set(loaded[name].sets[python] ?? []));
  const whole = missing.length ? [] : [...lists[0]].filter((cell) => lists.every((list) => list.has(cell)));
  parts.push(make("h2", `On Python ${python}`));
  const file = await get(`api/v1/${index.sets[python]}`);
  const sets = new Map(file.sets.map((one) => [one.cell, one]));
  const pairs = [];
  names.forEach((name, place) => names.slice(0, place).forEach((other) => pairs.push([other, name, fact(name, other, versions[other])])));
  const broken = pairs.filter(([, , one]) => sure(one));
  const quoted = (its) => /^[\w.=-]+$/.test(its) ? its : `'${its}'`;
  const install = (one) => {
    const pins = Object.entries(one.versions).map(([name, held]) => [name, held]);
    const block = make("pre", `uv pip install ${pins.filter(([name]) => index.distributions[name]).map(([name, held]) => `${index.distributions[name]}==${held}`).concat((one.besides ?? []).map(quoted)).join(" ")}`, { tabindex: "0", role: "region", "aria-label": "Install" });
    const line = make("p", `Tested together up to ${one.level}, in cell `);
    line.append(make("a", one.cell.slice(0, 8), { href: page("cell", one.cell) }), `: ${pins.map(([name, held]) => `${name} ${held}`).join(", ")}`);
    return [line, block];
  };
  const deepest = (list) => list.map((cell) => sets.get(cell)).filter(Boolean).sort((one, two) => depths.indexOf(two.level) - depths.indexOf(one.level));
  if (whole.length) {
    parts.push(make("p", `✓ ${whole.length} tested ${whole.length === 1 ? "set has" : "sets have"} all of this and ${whole.length === 1 ? "works" : "work"}.`, { class: "lead" }), ...install(deepest(whole)[0]));
  } else {
    const good = !missing.length && pairs.length && pairs.every(([, , one]) => ["works", "met"].includes(one?.state));
    const against = good ? await contrary(versions, names, python, index.distributions) : { red: [], hits: [] };
    parts.push(make("p", broken.length || against.hits.length ? "✗ These do not work together." : missing.length ? "? It is not known whether these work together."
      : against.red.length ? "? Every two of these work together, but all of them likely do not."
      : good ? `Every two of these were ${pairs.every(([, , one]) => one.state === "works") ? "tested" : "tested or installed"} together and work; no set that was tested as a whole has all of them.`
      : pairs.some(([, , one]) => one?.state === "broken") ? "? These likely do not work together; another component can be at fault." : names.length === 1 ? `? No tested set on Python ${python} has ${titles[names[0]]} ${versions[names[0]]}: it is not known whether it works there.`
      : "? No tested set has all of this: it is not known whether they work together.", { class: "lead" }), ...against.hits, ...against.red);
  }
  if (pairs.length) {
    const list = make("ul");
    for (const [one, two, its] of pairs) list.append(make("li", `${titles[one]} ${versions[one]} with ${titles[two]} ${versions[two]}: ${whole.length && its?.state.includes("broken") ? `✓ in these sets; in others ${words(its)}` : words(its)}`));
    parts.push(list);
  }
  // 2. The nearest set that works
  if (!whole.length) {
    const place = (name, its) => index.releases[name].indexOf(its);
    const near = file.sets.filter((one) => names.every((name) => name in one.versions)).map((one) => {
      const moved = names.filter((name) => one.versions[name] !== versions[name]);
      return { one, moved, far: moved.reduce((sum, name) => sum + Math.abs(place(name, one.versions[name]) - place(name, versions[name])), 0) };
    }).sort((a, b) => a.moved.length - b.moved.length || a.far - b.far || depths.indexOf(b.one.level) - depths.indexOf(a.one.level));
    parts.push(make("h3", "Nearest tested set that works"));
    if (near.length) parts.push(make("p", `It moves ${near[0].moved.map((name) => `${titles[name]} ${versions[name]} → ${near[0].one.versions[name]}`).join(", ")}.`), ...install(near[0].one));
    else parts.push(make("p", "Not known: no working set has all of these components."));
  }
  if (broken.length) return parts;
  // 3. What goes with it
  const frame = make("div", "", { class: "scroll", tabindex: "0", role: "region", "aria-label": "What goes with it" }), table = make("table"), body = make("tbody"), head = make("tr");
  table.append(make("caption", "What goes with all of this. What is not listed is not known."));
  const [subject, ...columns] = ["Component", "Observed with all, up to interop", "Inferred, or on another Python", "Broken with one"];
  head.append(...[subject, ...columns].map((title) => make("th", title, { scope: "col" })));
  const top = make("thead");
  const how = (facts) => {
    const has = (state) => facts.some((one) => one.state === state);
    const level = Math.min(...facts.map((one) => depths.indexOf(one.level ?? "interop")));
    const words = [has("inferred works") ? "inferred" : has("works elsewhere") ? "another Python" : "",
      has("met") ? "installed together, no test uses both" : level < depths.indexOf("interop") ? `up to ${depths[level]}` : ""].filter(Boolean);
    return words.length ? ` (${words.join(", ")})` : "";
  };
  top.append(head);
  for (const other of Object.keys(index.components)) {
    if (other in versions) continue;
    const good = [], half = [], bad = [];
    for (const its of index.releases[other] ?? []) {
      const facts = names.map((name) => fact(name, other, its));
      const states = facts.map((one) => one?.state ?? "not known");
      if (facts.some(sure)) bad.push(its);
      else if (states.includes("broken")) bad.push(`${its} (likely; a third component can be at fault)`);
      else if (states.includes("inferred broken")) bad.push(`${its} (inferred)`);
      else if (states.includes("broken elsewhere")) bad.push(`${its} (another Python)`);
      else if (facts.every((one) => one && ["works", "met"].includes(one.state))) good.push(its + how(facts));
      else if (!states.includes("not known")) half.push(its + how(facts));
    }
    if (!good.length && !half.length && !bad.length) continue;
    const row = make("tr"), first = make("th", "", { scope: "row" });
    first.append(make("a", titles[other] ?? other, { href: page("component", other) }));
    row.append(first, ...[good, half, bad].map((list, place) => make("td", [...list].reverse().slice(0, 12).join(", ") + (list.length > 12 ? ` and ${list.length - 12} older` : "") || "–", { class: "words", "data-head": columns[place] })));
    body.append(row);
  }
  table.append(top, body);
  frame.append(table);
  parts.push(body.rows.length ? frame : make("p", "What goes with all of this is not known."));
  return parts;
}
