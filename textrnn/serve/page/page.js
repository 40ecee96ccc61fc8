"use strict";

const WORDS = {
  en: {
    write: "Write", score: "Score", classify: "Classify", translate: "Translate", answer: "Answer", runs: "Runs",
    model: "Model", temperature: "Temperature", topP: "Top-p", length: "Length (tokens)", stopText: "Stop at",
    writeHere: "Begin a text, or leave it to the model: Ctrl+Enter writes on, Esc stops.",
    go: "Write on", goHere: "Write on from here", stop: "Stop", others: "Other ways", undo: "Undo", take: "Take this",
    expected: "expected", surprising: "surprising", scoreHere: "Paste a text.", scoreGo: "Measure",
    bitsPerChar: "bits per character", mixture: "network and counts together", network: "network alone",
    counts: "counts alone", classifyHere: "Paste a text.", classifyGo: "Classify", openTable: "Open a table",
    orDrop: "or drop one here", translateHere: "A text a line.", storyHere: "A sentence a line.", story: "Story",
    question: "Question", answerGo: "Answer", cancel: "Cancel", noModel: "no such model yet", bits: "bits",
    likely: "likely here", forIt: "speaks for it", againstIt: "speaks against it", download: "Download", rows: "rows",
    text: "text", label: "label", sure: "probability", name: "name", kind: "kind", status: "status", quality: "quality",
    del: "Delete", delAsk: "Delete {0} with all its files?", token: "This server wants its token:", ok: "OK",
    training: "learning", valid: "held out", epoch: "epoch", sample: "Newest sample", size: "size", busy: "Working…",
    firstOf: "the first {0} of {1} rows are shown; all are in the file",
    gone: "The server does not answer.", unseen: "never seen:", noRuns: "No runs yet: textrnn train YOUR_TEXT.txt makes one.",
  },
  zh: {
    write: "写作", score: "评分", classify: "分类", translate: "翻译", answer: "问答", runs: "模型列表",
    model: "模型", temperature: "温度", topP: "Top-p", length: "长度（词元）", stopText: "遇到即停",
    writeHere: "写个开头，或交给模型：Ctrl+Enter 续写，Esc 停止。",
    go: "续写", goHere: "从这里续写", stop: "停止", others: "其他写法", undo: "撤销", take: "采用",
    expected: "意料之中", surprising: "出人意料", scoreHere: "粘贴一段文字。", scoreGo: "测量",
    bitsPerChar: "比特/字符", mixture: "网络与计数合用", network: "仅网络", counts: "仅计数",
    classifyHere: "粘贴一段文字。", classifyGo: "分类", openTable: "打开表格", orDrop: "或拖放到这里",
    translateHere: "每行一段文字。", storyHere: "每行一句。", story: "故事", question: "问题", answerGo: "回答",
    cancel: "取消", noModel: "还没有这类模型", bits: "比特", likely: "此处可能是", forIt: "支持", againstIt: "反对",
    download: "下载", rows: "行", text: "文本", label: "标签", sure: "概率", name: "名称", kind: "种类", status: "状态",
    quality: "质量", del: "删除", delAsk: "删除 {0} 及其全部文件？", token: "此服务器需要令牌：", ok: "确定",
    training: "学习部分", valid: "保留部分", epoch: "轮", sample: "最新样本", size: "大小", busy: "处理中…",
    firstOf: "这里只显示 {1} 行中的前 {0} 行，全部都在文件里",
    gone: "服务器没有回应。", unseen: "从未见过：", noRuns: "还没有模型：textrnn train 你的文本.txt",
  },
};
const LANGUAGE = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
const t = (key, ...values) => WORDS[LANGUAGE][key].replace(/\{(\d)\}/g, (_, place) => values[place]);
// What the server calls kinds and states of runs, and what it tells of them, in Chinese.
const SAID = {
  "language model": "语言模型", classifier: "分类器", translator: "翻译模型", answerer: "问答模型",
  finished: "已完成", interrupted: "已中断", unfinished: "未完成", training: "训练中",
  run: "模型", what: "概要", tokens: "词元", text: "文本", "learnt from": "学习自", window: "窗口", chat: "对话格式",
  "held-out loss": "保留部分的损失", "of which": "其中", "began from": "起点", began: "起点", copied: "照抄", holds: "包含",
  used: "采用", task: "任务", labels: "标签", split: "划分", right: "正确率", network: "网络", answers: "答案",
};
const said = (name) => (LANGUAGE === "zh" && SAID[name]) || name;
const $ = (id) => document.getElementById(id);
const KINDS = { write: "language_model", score: "language_model", classify: "classifier", translate: "translator", answer: "answerer" };

function el(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) key in made ? (made[key] = value) : made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function notice(text) {
  $("notice").textContent = text || "";
  $("notice").hidden = !text;
}

// ---------------------------------------------------------------- asking the server

const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) {
  sessionStorage.setItem("token", given);
  history.replaceState(null, "", location.pathname);
}

async function ask(path, options = {}) {
  const token = sessionStorage.getItem("token");
  const headers = { ...(options.headers || {}), ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  let found;
  try {
    found = await fetch(path, { ...options, headers });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Error(t("gone"));
  }
  if (found.status === 401) {
    const typed = await question(t("token"), t("ok"), true);
    if (typed) {
      sessionStorage.setItem("token", typed);
      return ask(path, options);
    }
  }
  if (!found.ok) throw new Error((await found.json().catch(() => null))?.error?.message || found.statusText);
  return found;
}

const post = (path, values, signal) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(values), signal });
const get = async (path) => (await ask(path)).json();

async function events(answer, take) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = "", step; !(step = await reader.read()).done; ) {
    const parts = (rest + step.value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const data = part.replace(/^data: /, "");
      if (data === "[DONE]") return;
      const values = JSON.parse(data);
      if (values.error) throw new Error(values.error.message);
      take(values);
    }
  }
}

// Runs what a button does: one at a time, and what goes wrong is said.
async function working(button, work) {
  notice("");
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    if (error.name !== "AbortError") notice(error.message);
  } finally {
    button.disabled = false;
  }
}

function question(text, yes, line = false) {
  const dialog = $("ask");
  $("ask-text").textContent = text;
  $("ask-yes").textContent = yes;
  $("ask-line").hidden = !line;
  $("ask-input").value = "";
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((done) => {
    dialog.onclose = () => done(dialog.returnValue === "yes" && (line ? $("ask-input").value : true));
  });
}

// ---------------------------------------------------------------- colours, and what else was likely

const shown = (text) => text.replace(/ /g, "␣").replace(/\n/g, "↵").replace(/\t/g, "⇥") || "·";
const percent = (p) => (p >= 0.0995 ? (100 * p).toFixed(0) : (100 * p).toPrecision(2)) + "\u00a0%";
const step = (bits) => Math.max(0, Math.min(8, Math.round(bits)));

// What is known of a piece of text: {text, bits, top}; `text` may be several characters.
function span(mark) {
  const made = el("span", { className: `s${step(mark.bits / Math.max(1, mark.text.length))}` }, mark.text);
  made.mark = mark;
  return made;
}

function marksOf(logprobs) {
  return logprobs.tokens.map((text, place) => ({
    text,
    bits: -logprobs.token_logprobs[place] / Math.LN2,
    top: Object.entries(logprobs.top_logprobs[place]).map(([other, value]) => [other, Math.exp(value)]).sort((a, b) => b[1] - a[1]),
  })).filter((mark) => mark.text);
}

function facts(mark) {
  return `${shown(mark.text)}: ${mark.bits.toFixed(1)} ${t("bits")}` + (mark.top ? `, ${percent(2 ** -mark.bits)}` : "");
}

function tipAt(x, y) {
  const found = document.elementsFromPoint(x, y).find((one) => one.mark);
  $("tip").hidden = !found;
  if (!found) return;
  const rows = (found.mark.top || []).map(([text, p]) => el("tr", {}, el("td", {}, shown(text)), el("td", {}, percent(p))));
  $("tip").replaceChildren(el("div", {}, facts(found.mark)), ...(rows.length ? [el("table", {}, el("tbody", {}, ...rows))] : []));
  const box = $("tip").getBoundingClientRect();
  $("tip").style.left = `${Math.max(4, Math.min(x + 12, innerWidth - box.width - 8))}px`;
  $("tip").style.top = `${y + 20 + box.height > innerHeight ? y - box.height - 12 : y + 20}px`;
}
document.addEventListener("pointermove", (event) => tipAt(event.clientX, event.clientY));
document.addEventListener("pointerdown", (event) => tipAt(event.clientX, event.clientY));
document.addEventListener("scroll", () => ($("tip").hidden = true), true);

// ---------------------------------------------------------------- write

const area = $("text");
let parts = []; // the text in order: marks, and strings that a person wrote
let before = []; // earlier states, for undo
let writing = null; // what stops the writing
let typedAt = 0;

const textOf = (list) => list.map((one) => one.text ?? one).join("");

function show() {
  // A line end at the end has no height unless something follows it.
  $("marks").replaceChildren(...parts.map((one) => (one.text === undefined ? one : span(one))), "\u200b");
  if (area.value !== textOf(parts)) area.value = textOf(parts);
  $("undo").disabled = !before.length || Boolean(writing);
}

function remember() {
  before.push(parts);
  if (before.length > 100) before.shift();
}

// The part of the list from one place in the text to another; a mark that is cut becomes plain text.
function slice(list, begin, end) {
  const found = [];
  let place = 0;
  for (const one of list) {
    const text = one.text ?? one;
    const from = Math.max(begin - place, 0), to = Math.min(end - place, text.length);
    if (from < to) found.push(from === 0 && to === text.length ? one : text.slice(from, to));
    place += text.length;
  }
  return found;
}

area.addEventListener("input", () => {
  const old = textOf(parts), now = area.value;
  let head = 0, tail = 0;
  while (head < Math.min(old.length, now.length) && old[head] === now[head]) head++;
  while (tail < Math.min(old.length, now.length) - head && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail++;
  if (Date.now() - typedAt > 1500) remember();
  typedAt = Date.now();
  const middle = now.slice(head, now.length - tail);
  parts = [...slice(parts, 0, head), ...(middle ? [middle] : []), ...slice(parts, old.length - tail, old.length)];
  closeChoices();
  show();
});

function here() {
  return document.activeElement === area || area.selectionStart < area.value.length ? area.selectionStart : area.value.length;
}

function caretMoved() {
  const place = here();
  $("go").textContent = writing ? t("stop") : place < area.value.length ? t("goHere") : t("go");
  const last = slice(parts, 0, place).at(-1);
  const top = last?.top ? ` · ${t("likely")}: ` + last.top.map(([text, p]) => `${shown(text)} ${percent(p)}`).join(", ") : "";
  $("about").textContent = last?.text ? facts(last) + top : "";
}
document.addEventListener("selectionchange", () => document.activeElement === area && caretMoved());

function wanted(prompt, n) {
  const stop = $("stop-text").value.replace(/\\([nt\\])/g, (_, letter) => ({ n: "\n", t: "\t", "\\": "\\" })[letter]);
  return {
    model: modelOf("write"), prompt, n, stream: true, logprobs: 5, max_tokens: Number($("length").value) || 400,
    temperature: Number($("temperature").value), top_p: Number($("top-p").value), ...(stop ? { stop } : {}),
  };
}

// Streams n texts; `take` gets the number of a text and its new marks.
async function streamed(prompt, n, take) {
  writing = new AbortController();
  caretMoved();
  show();
  try {
    const answer = await post("/v1/completions", wanted(prompt, n), writing.signal);
    await events(answer, (values) => {
      if (values.warnings) notice(values.warnings.join(" "));
      for (const choice of values.choices) take(choice.index, marksOf(choice.logprobs));
    });
  } catch (error) {
    if (error.name !== "AbortError") notice(error.message);
  } finally {
    writing = null;
    caretMoved();
    $("undo").disabled = !before.length;
  }
}

async function writeOn() {
  if (writing) return writing.abort();
  notice("");
  closeChoices();
  remember();
  parts = slice(parts, 0, here());
  show();
  await streamed(textOf(parts), 1, (_, marks) => {
    parts.push(...marks);
    $("marks").lastChild.before(...marks.map(span));
    area.value += textOf(marks);
    const paper = $("paper");
    if (paper.scrollHeight - paper.scrollTop - paper.clientHeight < 120) paper.scrollTop = paper.scrollHeight;
  });
}

async function otherWays() {
  if (writing) return;
  notice("");
  const ways = [0, 1, 2].map(() => ({ marks: [], box: el("div", { className: "reading", tabIndex: 0 }) }));
  const base = slice(parts, 0, here());
  $("choices").replaceChildren(...ways.map((way) => el("article", {}, way.box, el("button", {
    textContent: t("take"),
    onclick: () => {
      writing?.abort();
      remember();
      parts = [...base, ...way.marks];
      closeChoices();
      show();
      area.setSelectionRange(area.value.length, area.value.length);
      caretMoved();
    },
  }))));
  $("choices").hidden = false;
  await streamed(textOf(base), ways.length, (index, marks) => {
    ways[index].marks.push(...marks);
    ways[index].box.append(...marks.map(span));
  });
}

function closeChoices() {
  $("choices").hidden = true;
}

$("go").onclick = writeOn;
$("others").onclick = otherWays;
$("undo").onclick = () => {
  if (!before.length || writing) return;
  parts = before.pop();
  closeChoices();
  show();
  area.setSelectionRange(area.value.length, area.value.length);
  caretMoved();
};
document.addEventListener("keydown", (event) => {
  if (location.hash && location.hash !== "#write") return;
  const key = event.key.toLowerCase();
  if (key === "enter" && (event.ctrlKey || event.metaKey)) writeOn();
  else if (key === "escape" && writing) writing.abort();
  else if (key === "z" && (event.ctrlKey || event.metaKey) && event.target === area) $("undo").click();
  else return;
  event.preventDefault();
});
for (const [id, digits] of [["temperature", 2], ["top-p", 2]]) {
  const tell = () => ($(`${id}-out`).textContent = Number($(id).value).toFixed(digits));
  $(id).addEventListener("input", tell);
  tell();
}

// ---------------------------------------------------------------- score, classify, translate, answer

$("score-go").onclick = () => working($("score-go"), async () => {
  const found = await (await post("/v1/score", { model: modelOf("score"), input: $("score-text").value, per_char: true })).json();
  const rows = Object.entries(found.parts || {}).map(([name, bits]) => el("div", {}, `${t(name)}: ${bits.toFixed(3)}`));
  const marks = found.characters.map((one) => span({ text: one.char, bits: one.bits }));
  $("score-result").replaceChildren(
    el("p", { className: "large" }, found.bits_per_char.toFixed(3)), el("p", { className: "soft" }, t("bitsPerChar")),
    ...rows, el("div", { className: "reading", tabIndex: 0 }, ...marks));
});

function colouredWords(text, words) {
  const box = el("div", { className: "reading" });
  let place = 0;
  for (const word of words) { // places count characters, as Python does
    const letters = Array.from(text);
    box.append(letters.slice(place, word.begin).join(""));
    const strength = [0.2, 0.5, 1.2, 2.5].filter((least) => Math.abs(word.weight) >= least).length;
    const side = word.weight > 0 ? "r" : "w";
    const title = `${word.weight > 0 ? "+" : ""}${word.weight.toFixed(2)}`;
    box.append(el("span", { className: strength ? side + strength : "", title }, letters.slice(word.begin, word.end).join("")));
    place = word.end;
  }
  box.append(Array.from(text).slice(place).join(""));
  return box;
}

function heavy(words, sign) {
  const found = words.filter((word) => word.weight * sign >= 0.2).sort((a, b) => (b.weight - a.weight) * sign).slice(0, 6);
  const shown = (text) => /[\p{L}\p{N}]/u.test(text) ? text : `“${text}”`; // a comma alone would be taken for one of the list's
  return found.map((word) => `${shown(word.text)} ${word.weight > 0 ? "+" : ""}${word.weight.toFixed(1)}`).join(", ");
}

function probabilities(one) {
  const all = Object.entries(one.probabilities || {}).sort((a, b) => b[1] - a[1]).slice(0, 12);
  return all.map(([name, p]) => {
    const bar = el("i");
    bar.style.width = `${100 * p}%`;
    return el("div", { className: "probability" }, el("span", {}, name), el("div", {}, bar), el("span", {}, percent(p)));
  });
}

$("classify-go").onclick = () => working($("classify-go"), async () => {
  const input = $("classify-text").value, model = modelOf("classify");
  let answer = await (await post("/v1/classify", { model, input })).json();
  if (answer.task === "classes" || answer.task === "grades")
    answer = await (await post("/v1/classify", { model, input, explain: true })).json();
  const one = answer.data[0], words = one.words || [];
  const told = [[t("forIt"), heavy(words, 1)], [t("againstIt"), heavy(words, -1)]].filter(([, list]) => list);
  $("classify-result").replaceChildren(
    el("p", { className: "large" }, one.label), ...probabilities(one),
    ...(words.length ? [colouredWords(input, words)] : []),
    ...told.map(([what, list]) => el("p", { className: "soft" }, `${what}: ${list}`)));
});

async function classifyTable(file) {
  const result = $("classify-result"), shownBefore = [...result.childNodes];
  result.replaceChildren(el("p", {}, t("busy")));
  await working($("classify-go"), async () => {
    try {
      const query = new URLSearchParams({ model: modelOf("classify") || "", name: file.name });
      const found = await (await ask(`/v1/classify/table?${query}`, { method: "POST", body: file })).json();
      const bytes = Uint8Array.from(atob(found.content), (letter) => letter.charCodeAt(0));
      const link = el("a", { href: URL.createObjectURL(new Blob([bytes])), download: found.name, className: "button" }, `${t("download")} ${found.name}`);
      const rows = found.shown.map((one) => el("tr", {}, el("td", {}, one.text), el("td", {}, one.label ?? ""),
        el("td", {}, one.confidence === undefined ? "" : percent(one.confidence))));
      const head = el("thead", {}, el("tr", {}, ...["text", "label", "sure"].map((name) => el("th", {}, t(name)))));
      result.replaceChildren(
        el("p", { className: "large" }, `${found.rows} ${t("rows")}`),
        ...[...found.summary, ...found.warnings].map((line) => el("p", { className: "soft" }, line)),
        el("div", { className: "buttons" }, link),
        el("div", { className: "scroll" }, el("table", {}, head, el("tbody", {}, ...rows))),
        ...(rows.length < found.rows ? [el("p", { className: "soft" }, t("firstOf", rows.length, found.rows))] : []));
    } catch (error) {
      result.replaceChildren(...shownBefore);
      throw error;
    }
  });
}
$("table").onchange = () => $("table").files[0] && classifyTable($("table").files[0]);
for (const name of ["dragover", "dragleave", "drop"])
  document.addEventListener(name, (event) => {
    event.preventDefault();
    const there = !$("classify").hidden;
    $("classify").classList.toggle("dropping", there && name === "dragover");
    if (there && name === "drop" && event.dataTransfer.files[0]) classifyTable(event.dataTransfer.files[0]);
  });

$("translate-go").onclick = () => working($("translate-go"), async () => {
  const input = $("translate-text").value.split("\n").filter((line) => line.trim());
  const found = await (await post("/v1/translate", { model: modelOf("translate"), input })).json();
  $("translate-result").replaceChildren(...found.data.map((one) => el("p", {}, one.text,
    ...(one.unseen.length ? [el("span", { className: "soft" }, ` (${t("unseen")} ${one.unseen.join(" ")})`)] : []))));
});

$("answer-go").onclick = () => working($("answer-go"), async () => {
  const found = await (await post("/v1/answer", { model: modelOf("answer"), story: $("story").value, question: $("question").value })).json();
  $("answer-result").replaceChildren(el("p", { className: "large" }, found.answer), el("p", { className: "soft" }, percent(found.confidence)
    + (found.unseen.length ? ` (${t("unseen")} ${found.unseen.join(" ")})` : "")));
});

// ---------------------------------------------------------------- runs

let runs = [];
let watching = null;

const modelOf = (section) => $(section).querySelector("select.model").value || null;

async function readRuns() {
  runs = (await get("/v1/models")).data;
  for (const list of document.querySelectorAll("select.model")) {
    const chosen = list.value, own = runs.filter((run) => run.kind === list.dataset.kind);
    list.replaceChildren(...own.map((run) => el("option", { value: run.id }, run.id)));
    if (own.some((run) => run.id === chosen)) list.value = chosen;
    if (!own.length) list.append(el("option", { value: "" }, t("noModel")));
  }
  for (const link of document.querySelectorAll("nav a")) {
    const kind = KINDS[link.hash.slice(1)];
    link.hidden = ["translator", "answerer"].includes(kind) && !runs.some((run) => run.kind === kind);
  }
}

function listRuns() {
  const rows = runs.map((run) => el("tr", {},
    el("td", {}, el("button", { textContent: run.id, onclick: () => showRun(run.id) })), el("td", {}, said(String(run.kind).replace("_", " "))),
    el("td", {}, said(run.status ?? "")), el("td", {}, run.bits_per_char == null ? run.quality : `${run.bits_per_char.toFixed(3)} ${t("bitsPerChar")}`)));
  const head = el("thead", {}, el("tr", {}, ...["name", "kind", "status", "quality"].map((name) => el("th", {}, t(name)))));
  $("run-list").replaceChildren(rows.length ? el("div", { className: "scroll" }, el("table", {}, head, el("tbody", {}, ...rows))) : t("noRuns"));
}

async function showRun(name) {
  await working(el("button"), async () => {
    watching?.abort();
    const run = await get(`/v1/models/${encodeURIComponent(name)}`);
    const curve = el("div"), list = el("dl");
    for (const [key, value] of [...run.lines, [t("status"), said(run.status ?? "")], [t("size"), `${(run.bytes / 1e6).toFixed(1)} MB`]])
      list.append(el("dt", {}, said(key)), el("dd", {}, String(value)));
    const remove = el("button", { textContent: t("del"), onclick: () => deleteRun(name) });
    $("run").replaceChildren(el("h2", {}, name), list, curve, el("div", { className: "buttons" }, remove));
    const draw = (found) => curve.replaceChildren(...chart(found.history), ...(found.sample
      ? [el("h3", {}, t("sample")), el("div", { className: "reading" }, String(found.sample.text ?? ""))] : []));
    draw(run);
    $("run").scrollIntoView({ behavior: "smooth", block: "nearest" });
    if (run.status === "training") {
      watching = new AbortController();
      const answer = await ask(`/v1/models/${encodeURIComponent(name)}/events`, { signal: watching.signal });
      events(answer, draw).catch(() => {});
    }
  });
}

async function deleteRun(name) {
  if (!(await question(t("delAsk", name), t("del")))) return;
  await working(el("button"), async () => {
    watching?.abort();
    await ask(`/v1/models/${encodeURIComponent(name)}`, { method: "DELETE" });
    $("run").replaceChildren();
    await readRuns();
    listRuns();
  });
}

function svg(name, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

// The curves of a history: bits per character where it has them, or else the loss.
function chart(rows) {
  const names = ["bits_per_char", "nats_per_token", "loss"].find((name) => rows.some((row) => `val_${name}` in row || `train_${name}` in row));
  if (!names || rows.length < 2) return [];
  const lines = [["train", `train_${names}`], ["valid", `val_${names}`]];
  const values = rows.flatMap((row) => lines.map(([, key]) => row[key])).filter(Number.isFinite);
  const place = (row) => row.epoch ?? row.step;
  const [low, high, first, last] = [Math.min(...values), Math.max(...values), place(rows[0]), place(rows.at(-1))];
  const x = (row) => 50 + (620 * (place(row) - first)) / (last - first || 1), y = (value) => 220 - (190 * (value - low)) / (high - low || 1);
  const drawn = svg("svg", { viewBox: "0 0 700 260", role: "img", "aria-label": names });
  drawn.append(svg("path", { class: "axis", d: "M50 20V220H680" }));
  for (const value of [low, high]) drawn.append(svg("text", { x: 4, y: y(value) + 4 }, value.toFixed(2)));
  for (const row of [rows[0], rows.at(-1)]) drawn.append(svg("text", { x: x(row) - 12, y: 240 }, place(row).toPrecision(3)));
  drawn.append(svg("text", { x: 340, y: 255 }, t("epoch")));
  lines.forEach(([kind, key], number) => {
    const points = rows.filter((row) => Number.isFinite(row[key])).map((row) => `${x(row).toFixed(1)} ${y(row[key]).toFixed(1)}`);
    if (!points.length) return;
    drawn.append(svg("path", { class: kind, d: `M${points.join("L")}` }));
    drawn.append(svg("text", { class: `label-${kind}`, x: 560, y: 30 + 18 * number }, t(kind === "train" ? "training" : "valid")));
  });
  return [drawn];
}

// ---------------------------------------------------------------- which part is shown

async function route() {
  const name = location.hash.slice(1), chosen = name in KINDS || name === "runs" ? name : "write";
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== chosen;
  for (const link of document.querySelectorAll("nav a"))
    link.hash === `#${chosen}` ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  watching?.abort();
  $("tip").hidden = true;
  notice("");
  try {
    await readRuns();
    if (chosen === "runs") listRuns();
  } catch (error) {
    notice(error.message);
  }
}

document.documentElement.lang = LANGUAGE;
for (const one of document.querySelectorAll("[data-t]")) one.textContent = t(one.dataset.t);
for (const one of document.querySelectorAll("[data-p]")) one.placeholder = t(one.dataset.p);
for (const one of document.querySelectorAll("[data-l]")) one.setAttribute("aria-label", t(one.dataset.l));
addEventListener("hashchange", route);
show();
caretMoved();
route();
