"use strict";
// Only text nodes, classes and options are made here: nothing of the data is ever read as HTML.
(() => {
  const find = id => document.getElementById(id);
  const data = JSON.parse(find("data").textContent);
  const values = new Int8Array(Uint8Array.from(atob(data.values), c => c.charCodeAt(0)).buffer);
  const reading = find("text"), spans = reading.children, kinds = Array.from(spans, span => span.className);
  const property = find("property"), search = find("search"), unit = find("unit"), relative = find("relative");
  const signed = value => (value < 0 ? "\u2212" : "+") + Math.abs(value).toFixed(2);
  const strongest = k => data.r[k].reduce((best, r, p) => Math.abs(r) > Math.abs(data.r[k][best]) ? p : best, 0);
  const tracked = k => property.value === "" ? strongest(k) : Number(property.value);
  const valueAt = (k, t) => values[k * data.tokens + t] / 127 * data.scale[k];
  let shown = 0, here = -1;

  function list() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = data.units.map((name, k) => {
      const p = tracked(k), r = data.properties.length ? data.r[k][p] : 0;
      const about = data.properties.length ? `${signed(r)} ${data.properties[p].title}` : "";
      return { k, size: Math.abs(r), label: about ? `${name} · ${about}` : name };
    }).filter(row => words.every(word => row.label.toLowerCase().includes(word)));
    rows.sort((a, b) => b.size - a.size || a.k - b.k);
    unit.replaceChildren(...rows.map(row => new Option(row.label, row.k, false, row.k === shown)));
    if (!rows.length) unit.add(new Option("no unit is called so", "-1"));
    if (rows.length && !rows.some(row => row.k === shown)) show(rows[0].k);
  }

  function show(k) {
    shown = k;
    const row = values.subarray(k * data.tokens, (k + 1) * data.tokens);
    const centre = relative.checked ? data.mean[k] / data.scale[k] * 127 : 0;
    const most = row.reduce((best, value) => Math.max(best, Math.abs(value - centre)), 1e-9);
    for (let t = 0; t < row.length; t++) {
      const part = (row[t] - centre) / most, step = Math.round(Math.abs(part) * data.steps);
      spans[t].className = kinds[t] + (step ? ` ${part < 0 ? "n" : "p"}${step}` : "");
    }
    const low = signed((centre - most) / 127 * data.scale[k]), high = signed((centre + most) / 127 * data.scale[k]);
    find("low").textContent = low;
    find("high").textContent = high;
    const order = data.properties.map((one, p) => p);
    const weight = p => String(p) === property.value ? 2 : Math.abs(data.r[k][p]);
    order.sort((a, b) => weight(b) - weight(a));
    const told = order.slice(0, 3).map(p => `${data.properties[p].title} ${signed(data.r[k][p])} ` +
      `(chance ${data.properties[p].chance.toFixed(2)})`);
    find("about").textContent = `${data.units[k]}: ${told.join("; ")}`;
    if (here >= 0) point(here);
  }

  function point(t) {
    if (here >= 0) spans[here].classList.remove("here");
    here = Math.max(0, Math.min(spans.length - 1, t));
    spans[here].classList.add("here");
    find("at").textContent = `${JSON.stringify(spans[here].textContent)} ${signed(valueAt(shown, here))}`;
  }

  property.addEventListener("change", () => { list(); unit.selectedIndex = 0; choose(); });
  search.addEventListener("input", list);
  const choose = () => { const k = Number(unit.value); if (k >= 0) show(k); };
  unit.addEventListener("change", choose);
  relative.addEventListener("change", () => show(shown));
  reading.addEventListener("pointerover", event => {
    const t = Array.prototype.indexOf.call(spans, event.target);
    if (t >= 0) point(t);
  });
  reading.addEventListener("keydown", event => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) { point(here + step); event.preventDefault(); }
  });
  document.querySelectorAll(".jump").forEach(button => button.addEventListener("click", () => {
    property.value = button.dataset.property;
    search.value = "";
    shown = Number(button.dataset.unit);
    list();
    show(shown);
    find("panel").scrollIntoView();
  }));
  shown = data.first;
  list();
  show(shown);
})();
