// Finds pages that hold all words typed; the texts of a language come from its search-index.js when the box is first used.
const box = document.getElementById("search");
const found = document.getElementById("found");
const MOST = 12, AROUND = 60;

box.addEventListener("focus", () => {
  const script = document.createElement("script");
  script.src = "search-index.js";
  script.addEventListener("load", show);
  document.head.append(script);
}, { once: true });

box.addEventListener("input", show);
box.addEventListener("keydown", (event) => {
  if (event.key === "Escape") { box.value = ""; show(); }
  if (event.key === "Enter") found.querySelector("a")?.click();
});

function show() {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  const pages = window.SEARCH_INDEX;
  found.replaceChildren();
  if (!words.length || !pages) return;
  const hits = pages
    .map((page) => ({ ...page, in_title: words.every((word) => page.title.toLowerCase().includes(word)) }))
    .filter((page) => words.every((word) => page.text.toLowerCase().includes(word)))
    .sort((a, b) => b.in_title - a.in_title);
  for (const page of hits.slice(0, MOST)) found.append(line(page, words[0]));
  if (!hits.length) found.textContent = box.dataset.none;
}

function line(page, word) {
  const at = Math.max(page.text.toLowerCase().indexOf(word), 0);
  const item = document.createElement("p"), link = document.createElement("a"), mark = document.createElement("mark");
  link.href = `${page.name}.html`;
  link.textContent = page.title;
  mark.textContent = page.text.slice(at, at + word.length);
  item.append(link, " … ", page.text.slice(Math.max(at - AROUND, 0), at), mark, page.text.slice(at + word.length, at + AROUND));
  return item;
}
