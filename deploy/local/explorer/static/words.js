import { inLanguage } from "./language.js";

/* The texts of the page in both languages; {name} stands for a value. */
const WORDS = {
  en: {
    title: "API Explorer", otherLanguage: "中文", documents: "Documents", features: "Features", skip: "To the feature",
    loading: "Loading…", none: "No feature is running.", unreachable: "This host does not answer.",
    example: "Example", first: "basic", keyKept: "The key is stored in this page only.",
    iam: "A browser cannot sign calls with AWS credentials. Set the credentials as environment variables, and use the " +
      "code below.",
    tryIt: "Try it", recorded: "Show the recorded reply", working: "Working…",
    reply: "Reply", lines: "This call", copy: "Copy", copied: "Copied", copyByHand: "Select and copy",
    images: "Images", one: "One image", two: "Two images",
    drop: "Choose an image, drop it here, or paste it", address: "or its address ({name})",
    picture: "Image for {name}", unreadable: "The browser cannot show this image.", noPicture: "Image of the request",
    empty: "(empty)", perLine: "one per line", asJson: "as JSON", notJson: "{name}: not JSON.",
    shortened: "Long texts and vectors are shortened here.", whole: "This is the whole reply.",
    total: "total", answered: "{status} in {ms} ms", wasRecorded: "This reply was recorded earlier; the feature was not called.",
    found: "Results", nothing: "Nothing was found.", number: "No.", text: "Text or name", score: "Score",
    vector: "The reply is a vector of {count} numbers.",
    vectors: "The reply has {count} vectors of {length} numbers.",
    before: "before", after: "after", compare: "Before and after: the part of the result that is shown",
    idle: "not started", starting: "starting", ready: "ready", restarting: "restarting", failed: "failed",
    state: "{state}; {requests} requests; p50 {p50_ms} ms, p95 {p95_ms} ms {reason}", face: "face",
  },
  zh: {
    title: "API 浏览器", otherLanguage: "English", documents: "文档", features: "功能列表", skip: "跳到功能",
    loading: "加载中…", none: "没有正在运行的功能。", unreachable: "主机没有响应。",
    example: "示例", first: "基本", keyKept: "仅保存在本页面中。",
    iam: "浏览器无法使用 AWS 凭证对请求签名。请将凭证设置为环境变量，并使用下面的代码。",
    tryIt: "试一试", recorded: "显示预存的结果", working: "请稍候…",
    reply: "结果", lines: "本次调用", copy: "复制", copied: "已复制", copyByHand: "请手动选择并复制",
    images: "图片", one: "一张图片", two: "两张图片",
    drop: "选择图片、将图片拖放到此处，或粘贴图片", address: "或图片地址（{name}）",
    picture: "{name} 的图片", unreadable: "浏览器无法显示这张图片。", noPicture: "请求中的图片",
    empty: "（空）", perLine: "每行一个", asJson: "JSON 格式", notJson: "{name}：不是 JSON 格式。",
    shortened: "过长的文字和向量已截断。", whole: "完整结果。",
    total: "总计", answered: "{status}，用时 {ms} 毫秒", wasRecorded: "这是预存的结果，没有调用该功能。",
    found: "识别结果", nothing: "没有识别到任何内容。", number: "序号", text: "文字或名称", score: "置信度",
    vector: "结果为一个 {count} 维向量。", vectors: "结果为 {count} 个 {length} 维向量。",
    before: "处理前", after: "处理后", compare: "处理前后对比：显示处理后部分的比例",
    idle: "未启动", starting: "启动中", ready: "就绪", restarting: "重启中", failed: "失败",
    state: "{state}；{requests} 次请求；p50 {p50_ms} 毫秒，p95 {p95_ms} 毫秒 {reason}", face: "人脸",
  },
};

export const { words, say, label, translate, switchLanguage } = inLanguage(WORDS, "api-explorer-language");

/* Returns a new element with children. properties: properties of the element, or attributes such as data- and aria-. */
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

/* Splits a text at its backquotes: the parts between them become <code> elements. */
export function marked(text) {
  return text.split("`").map((part, index) => (index % 2 ? make("code", {}, part) : part));
}
