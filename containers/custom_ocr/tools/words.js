"use strict";

/* What the page says, in both languages; {name} stands for a value. */
const WORDS = {
  en: {
    title: "Template editor",
    otherLanguage: "中文",
    drawing: "1. Draw the fields",
    chooseImage: "Choose image…",
    dropHere: "Choose an image of the document, or drop one here.",
    zoomIn: "Zoom in", zoomOut: "Zoom out",
    fit: "Fit", zoomFit: "Fit the whole image", zoomActual: "Actual size",
    undo: "Undo", redo: "Redo", addField: "Add field",
    canvas: "Document image: fields are drawn here",
    help: "Mouse, touch and keyboard",
    helpMouse: "Drag over the image to draw a field; hold Alt to start inside another. Drag a field to move it, a " +
      "square to move a side, a circle to move one corner. Double-click to rename. Zoom with Ctrl and the wheel or " +
      "two fingers; move the image with the Space bar held, the middle button or two fingers.",
    helpKeys: "With the image focused: N adds a field in the middle, [ and ] choose one, arrows move it, " +
      "Shift+arrows resize it, Ctrl makes ten-pixel steps. 1 to 4 choose a corner, Escape lets go. Enter renames, " +
      "Delete deletes, Ctrl+Z undoes, Ctrl+Y redoes, + − 0 zoom.",
    helpAdvice: "A field should hold all of its text with room on every side, and touch no other field.",
    fields: "Fields", noFields: "None yet: drag over the image, or press N.",
    rename: "Rename {name}", remove: "Delete {name}",
    nameField: "Name the field", name: "Name", ok: "OK", cancel: "Cancel",
    create: "2. Create the template",
    endpoint: "Endpoint", options: "API key, image address", key: "x-api-key (kept in memory only)",
    address: "Image address, sent in place of the image",
    createTemplate: "Create template", copyBody: "Copy request body", copy: "Copy",
    copied: "Copied.", copyByHand: "The browser refuses the clipboard: copy the text below.",
    created: "Created. The template id is:",
    import: "Go on with an earlier template", importButton: "Load",
    imported: "Fields loaded: {count}.", notTemplate: "Neither a request body nor a template as JSON.",
    tryIt: "3. Try it",
    templates: "Stored templates", refresh: "Refresh", noTemplates: "None is stored.",
    templateId: "Template id", chooseQuery: "Choose photograph…", run: "Read the fields",
    queryEmpty: "The photograph and what was read will be shown here.",
    field: "Field", value: "Value", score: "Score",
    read: "{count} of {total} fields were read.",
    confirmDelete: "Delete the template {id}?", deleted: "Deleted.", deleteTemplate: "Delete {id}",
    working: "Working…",
    selected: "{name}: left {left}, top {top}, {width} by {height} pixels", selectedNone: "No field is chosen.",
    unreadable: "The browser cannot read this image.",
    large: "{width}×{height} px: the server reads at most {limit} on the longest side, unless set otherwise.",
    needImage: "Choose an image first.", needFields: "Draw at least one field.",
    needId: "Give a template id.", needQuery: "Choose a photograph first.",
    faulty: "Correct the fields marked in the list.", tooMany: "At most {limit} fields.",
    nameEmpty: "Give it a name.", nameTaken: "Another field has this name.",
    nameLong: "At most 100 characters.", nameControl: "No line breaks or control characters.",
    outside: "A corner is outside the image.", small: "Too small: sides of 3 px or more, 16 px² in all.",
    notConvex: "Not convex, or corners out of order: clockwise from the top left.",
    unreachable: "No answer from {address}. Another host must allow this page (CORS).",
    notJson: "{address} answers {status}, but not as an endpoint of custom OCR does.",
    problem: "{status}: {detail}",
  },
  zh: {
    title: "模板编辑器",
    otherLanguage: "English",
    drawing: "1. 框选字段",
    chooseImage: "选择图片…",
    dropHere: "选择一张证件或票据图片，或拖放到此处。",
    zoomIn: "放大", zoomOut: "缩小", fit: "适应", zoomFit: "显示整张图片", zoomActual: "原始大小",
    undo: "撤销", redo: "重做", addField: "添加字段",
    canvas: "文档图片：在此框选字段",
    help: "鼠标、触摸和键盘操作",
    helpMouse: "在图片上拖动以框选字段；按住 Alt 可从另一个字段内开始。拖动字段可移动，拖动方块可移动一条边，拖动圆点可移动一个角。" +
      "双击可重命名。Ctrl 加滚轮或双指缩放；按住空格键、鼠标中键或双指可平移图片。",
    helpKeys: "焦点在图片上时：N 在中间添加字段，[ 和 ] 选择字段，方向键移动，Shift+方向键调整大小，同时按 Ctrl 每次十个像素。" +
      "1 到 4 选择一个角供方向键移动，Esc 取消。Enter 重命名，Delete 删除，Ctrl+Z 撤销，Ctrl+Y 重做，+ − 0 缩放。",
    helpAdvice: "字段应完整包含文字，四周留有余量，且不与其他字段重叠。",
    fields: "字段", noFields: "还没有字段：在图片上拖动，或按 N。",
    rename: "重命名 {name}", remove: "删除 {name}",
    nameField: "字段名称", name: "名称", ok: "确定", cancel: "取消",
    create: "2. 创建模板",
    endpoint: "接口地址", options: "API 密钥、图片地址", key: "x-api-key（仅保存在内存中）",
    address: "图片地址（代替图片发送）",
    createTemplate: "创建模板", copyBody: "复制请求正文", copy: "复制",
    copied: "已复制。", copyByHand: "浏览器不允许使用剪贴板：请手动复制下面的文字。",
    created: "创建成功，模板 ID：",
    import: "继续编辑已有模板", importButton: "载入",
    imported: "已载入 {count} 个字段。", notTemplate: "不是请求正文，也不是 JSON 模板。",
    tryIt: "3. 试一试",
    templates: "已有模板", refresh: "刷新", noTemplates: "还没有模板。",
    templateId: "模板 ID", chooseQuery: "选择照片…", run: "识别字段",
    queryEmpty: "照片和识别结果将显示在这里。",
    field: "字段", value: "值", score: "置信度",
    read: "共 {total} 个字段，识别出 {count} 个。",
    confirmDelete: "删除模板 {id}？", deleted: "已删除。", deleteTemplate: "删除 {id}",
    working: "请稍候…",
    selected: "{name}：左 {left}，上 {top}，宽 {width}，高 {height} 像素", selectedNone: "未选择字段。",
    unreadable: "浏览器无法读取这张图片。",
    large: "{width}×{height} 像素：除非另行设置，服务器最长边只接受 {limit} 像素。",
    needImage: "请先选择图片。", needFields: "请至少框选一个字段。",
    needId: "请填写模板 ID。", needQuery: "请先选择照片。",
    faulty: "请更正列表中标出的字段。", tooMany: "最多 {limit} 个字段。",
    nameEmpty: "请填写名称。", nameTaken: "已有同名字段。",
    nameLong: "最多 100 个字符。", nameControl: "不能含换行或控制字符。",
    outside: "有一个角在图片之外。", small: "太小：边长至少 3 像素，面积至少 16 平方像素。",
    notConvex: "不是凸四边形，或角的顺序不对：应从左上角起顺时针。",
    unreachable: "{address} 没有应答。若在另一台主机上，须允许本页面跨域访问（CORS）。",
    notJson: "{address} 返回 {status}，但不像是自定义模板识别接口。",
    problem: "{status}：{detail}",
  },
};

const STORED_LANGUAGE = "template-editor-language";

let language = storedLanguage() ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");

function $(id) {
  return document.getElementById(id);
}

function words(key, values = {}) {
  return WORDS[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/* Shows a message in an element, or nothing for the key ""; in the other language too, once that is chosen. */
function say(element, key, values) {
  Object.assign(element.dataset, values, { words: key });
  element.textContent = key && words(key, element.dataset);
}

/* Names what shows no words, or a button also by its title. */
function label(element, key, values) {
  Object.assign(element.dataset, values, { label: key });
  const text = words(key, element.dataset);
  element.setAttribute("aria-label", text);
  if (element instanceof HTMLButtonElement) {
    element.title = text;
  }
}

/* A message for the user: a key of WORDS and its values. */
class Fault extends Error {
  constructor(key, values) {
    super(key);
    this.values = values;
  }
}

function translate() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-words]")) {
    say(element, element.dataset.words);
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    label(element, element.dataset.label);
  }
  $("language").lang = language === "zh" ? "en" : "zh-CN";
}

/* Storage may be forbidden: then the language is chosen anew each time. */
function storedLanguage() {
  try {
    const stored = localStorage.getItem(STORED_LANGUAGE);
    return stored in WORDS ? stored : null;
  } catch {
    return null;
  }
}

function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  try {
    localStorage.setItem(STORED_LANGUAGE, language);
  } catch {
    // not remembered
  }
  translate();
}
