/* What the page says, in both languages; {name} stands for a value. */
const WORDS = {
  en: {
    title: "API Explorer", otherLanguage: "中文", documents: "Documents", features: "Features", skip: "To the feature",
    loading: "Loading…", none: "No feature is running.", unreachable: "No answer from this host.",
    example: "Example", first: "basic", keyKept: "Kept in this page only.",
    iam: "A browser cannot sign calls with AWS credentials: use the lines below, with credentials in the environment.",
    tryIt: "Try it", recorded: "Show the recorded reply", working: "Working…",
    reply: "Reply", lines: "This call", copy: "Copy", copied: "Copied", copyByHand: "Select and copy",
    images: "Images", one: "One image", two: "Two images",
    drop: "Choose a picture, drop one here, or paste", address: "or its address ({name})",
    picture: "Picture for {name}", unreadable: "The browser cannot show this picture.", noPicture: "Picture of the request",
    empty: "(empty)", perLine: "one per line", asJson: "as JSON", notJson: "{name}: not JSON.",
    shortened: "Long texts and vectors are cut here.", whole: "The whole reply.",
    total: "total", answered: "{status} in {ms} ms", wasRecorded: "Recorded with the project, not asked for now.",
    found: "What was found", nothing: "Nothing was found.", number: "No.", text: "Text or name", score: "Score",
    vector: "A vector of {count} numbers.", vectors: "{count} vectors of {length} numbers.",
    before: "before", after: "after", compare: "Before and after: how much of the result is shown",
    idle: "not started", starting: "starting", ready: "ready", restarting: "restarting", failed: "failed",
    state: "{state}; {requests} requests; p50 {p50_ms} ms, p95 {p95_ms} ms {reason}", face: "face",
  },
  zh: {
    title: "API 浏览器", otherLanguage: "English", documents: "文档", features: "功能列表", skip: "跳到功能",
    loading: "加载中…", none: "没有正在运行的功能。", unreachable: "主机没有应答。",
    example: "示例", first: "基本", keyKept: "仅保存在本页面中。",
    iam: "浏览器无法用 AWS 凭证签名：请在环境变量中设置凭证，并使用下面的代码。",
    tryIt: "试一试", recorded: "显示预存的结果", working: "请稍候…",
    reply: "结果", lines: "本次调用", copy: "复制", copied: "已复制", copyByHand: "请手动选择并复制",
    images: "图片", one: "一张图片", two: "两张图片",
    drop: "选择图片、拖放到此处或粘贴", address: "或图片地址（{name}）",
    picture: "{name} 的图片", unreadable: "浏览器无法显示这张图片。", noPicture: "请求中的图片",
    empty: "（空）", perLine: "每行一个", asJson: "JSON 格式", notJson: "{name}：不是 JSON。",
    shortened: "过长的文字和向量已截断。", whole: "完整结果。",
    total: "总计", answered: "{status}，用时 {ms} 毫秒", wasRecorded: "项目预存的结果，并非本次调用。",
    found: "识别结果", nothing: "没有找到任何内容。", number: "序号", text: "文字或名称", score: "置信度",
    vector: "{count} 维向量。", vectors: "{count} 个 {length} 维向量。",
    before: "处理前", after: "处理后", compare: "处理前后对比：显示结果的比例",
    idle: "未启动", starting: "启动中", ready: "就绪", restarting: "重启中", failed: "失败",
    state: "{state}；{requests} 次请求；p50 {p50_ms} 毫秒，p95 {p95_ms} 毫秒 {reason}", face: "人脸",
  },
};

const STORED = "api-explorer-language";

let language = stored() ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");

export function $(id) {
  return document.getElementById(id);
}

/* A new element with properties, data-, aria- and other attributes among them, and children. */
export function make(tag, properties = {}, ...children) {
  const element = tag.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4))
    : document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element && !(element instanceof SVGElement)) {
      element[name] = value;
    } else {
      element.setAttribute(name, value);
    }
  }
  element.append(...children);
  return element;
}

/* A text in which `code` is marked as such. */
export function marked(text) {
  return text.split("`").map((part, index) => (index % 2 ? make("code", {}, part) : part));
}

export function words(key, values = {}) {
  return WORDS[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/* A message in an element, or nothing for the key ""; in the other language too, once that is chosen. */
export function say(element, key, values) {
  Object.assign(element.dataset, values, { words: key });
  element.textContent = key && words(key, element.dataset);
  return element;
}

/* Names what shows no words. */
export function label(element, key, values) {
  Object.assign(element.dataset, values, { label: key });
  element.setAttribute("aria-label", words(key, element.dataset));
  return element;
}

export function translate() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-words]")) {
    say(element, element.dataset.words);
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    label(element, element.dataset.label);
  }
  $("language").lang = language === "zh" ? "en" : "zh-CN";
}

export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  try {
    localStorage.setItem(STORED, language);
  } catch {
    // storage may be forbidden: not remembered
  }
  translate();
}

function stored() {
  try {
    const found = localStorage.getItem(STORED);
    return found in WORDS ? found : null;
  } catch {
    return null;
  }
}
