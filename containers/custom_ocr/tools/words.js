import { inLanguage } from "./language.js";

/* The texts of the page in both languages; {name} stands for a value. */
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
    helpMouse: "Drag over the image to draw a field. Hold Alt to start a field inside another one. Drag a field to " +
      "move it, a square to move a side, or a circle to move a corner. Double-click a field to rename it. To zoom, " +
      "use Ctrl and the wheel, or two fingers. To move the image, hold the Space bar and drag, or drag with the " +
      "middle button or with two fingers.",
    helpKeys: "These keys work while the image has the focus. N adds a field in the middle. [ and ] choose a field. " +
      "The arrow keys move the field, and with Shift they resize it. With Ctrl, a step is ten pixels. 1 to 4 choose " +
      "a corner, which the arrow keys then move. Escape cancels the choice. Enter renames the field, and Delete " +
      "deletes it. Ctrl+Z undoes a change, and Ctrl+Y redoes it. + and − zoom, and 0 shows the whole image.",
    helpAdvice: "A field should contain all of its text, with some space on every side. It should not touch another " +
      "field.",
    fields: "Fields", noFields: "There are no fields yet. Drag over the image, or press N.",
    rename: "Rename {name}", remove: "Delete {name}",
    nameField: "Name the field", name: "Name", ok: "OK", cancel: "Cancel",
    create: "2. Create the template",
    endpoint: "Endpoint", options: "API key, image address", key: "x-api-key (stored in memory only)",
    address: "Image address, sent instead of the image",
    createTemplate: "Create template", copyBody: "Copy request body", copy: "Copy",
    copied: "Copied.", copyByHand: "The browser does not allow this page to copy. Copy the text below.",
    created: "The template was created. Its id is:",
    import: "Continue with an earlier template", importButton: "Load",
    imported: "Fields loaded: {count}.", notTemplate: "The text is neither a request body nor a template in JSON.",
    tryIt: "3. Try it",
    templates: "Stored templates", refresh: "Refresh", noTemplates: "There are no stored templates.",
    templateId: "Template id", chooseQuery: "Choose photograph…", run: "Read the fields",
    queryEmpty: "The photograph and the text of its fields appear here.",
    field: "Field", value: "Value", score: "Score",
    read: "{count} of {total} fields were read.",
    confirmDelete: "Delete the template {id}?", deleted: "Deleted.", deleteTemplate: "Delete {id}",
    working: "Working…",
    selected: "{name}: left {left}, top {top}, {width} by {height} pixels", selectedNone: "No field is chosen.",
    unreadable: "The browser cannot read this image.",
    large: "{width}×{height} px: the longest side may have at most {limit} px, unless the server is configured " +
      "otherwise.",
    needImage: "Choose an image first.", needFields: "Draw at least one field.",
    needId: "Enter a template id.", needQuery: "Choose a photograph first.",
    faulty: "Correct the fields marked in the list.", tooMany: "A template has at most {limit} fields.",
    nameEmpty: "Enter a name.", nameTaken: "Another field has this name.",
    nameLong: "A name has at most 100 characters.", nameControl: "A name has no line breaks or control characters.",
    outside: "A corner is outside the image.", small: "Too small: a side has at least 3 px, and the area is at least 16 px².",
    notConvex: "The shape is not convex, or its corners are not in clockwise order from the top left.",
    unreachable: "{address} does not answer. If it is on another host, that host must allow this page (CORS).",
    notJson: "{address} returned {status}, but its reply is not one of custom OCR.",
    problem: "{status}: {detail}",
  },
  zh: {
    title: "模板编辑器",
    otherLanguage: "English",
    drawing: "1. 框选字段",
    chooseImage: "选择图片…",
    dropHere: "请选择一张证件或票据图片，或将图片拖放到此处。",
    zoomIn: "放大", zoomOut: "缩小", fit: "适应", zoomFit: "显示整张图片", zoomActual: "原始大小",
    undo: "撤销", redo: "重做", addField: "添加字段",
    canvas: "文档图片：在此框选字段",
    help: "鼠标、触摸和键盘操作",
    helpMouse: "在图片上拖动可框选字段；按住 Alt 可从另一个字段内开始框选。拖动字段可移动字段，拖动方块可移动一条边，拖动圆点可移动一个角。" +
      "双击字段可重命名。按住 Ctrl 并滚动滚轮或双指捏合可缩放图片；按住空格键拖动、按住鼠标中键拖动或双指拖动可平移图片。",
    helpKeys: "以下按键在焦点位于图片上时有效：N 在中间添加字段，[ 和 ] 选择字段，方向键移动字段，Shift+方向键调整字段大小，" +
      "同时按住 Ctrl 每次移动十个像素；1 到 4 选择一个角，再用方向键移动该角，Esc 取消选择；Enter 重命名，Delete 删除，" +
      "Ctrl+Z 撤销，Ctrl+Y 重做，+ 和 − 缩放，0 显示整张图片。",
    helpAdvice: "字段应包含全部文字，四周留有余量，且不接触其他字段。",
    fields: "字段", noFields: "还没有字段。请在图片上拖动，或按 N。",
    rename: "重命名 {name}", remove: "删除 {name}",
    nameField: "字段名称", name: "名称", ok: "确定", cancel: "取消",
    create: "2. 创建模板",
    endpoint: "接口地址", options: "API 密钥、图片地址", key: "x-api-key（仅保存在内存中）",
    address: "图片地址（代替图片发送）",
    createTemplate: "创建模板", copyBody: "复制请求正文", copy: "复制",
    copied: "已复制。", copyByHand: "浏览器不允许本页面使用剪贴板，请手动复制下面的文字。",
    created: "模板已创建，模板 ID：",
    import: "继续编辑已有模板", importButton: "载入",
    imported: "已载入 {count} 个字段。", notTemplate: "内容既不是请求正文，也不是 JSON 格式的模板。",
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
    large: "{width}×{height} 像素：除非服务器另有设置，图片最长边不能超过 {limit} 像素。",
    needImage: "请先选择图片。", needFields: "请至少框选一个字段。",
    needId: "请填写模板 ID。", needQuery: "请先选择照片。",
    faulty: "请更正列表中标出的字段。", tooMany: "一个模板最多 {limit} 个字段。",
    nameEmpty: "请填写名称。", nameTaken: "已有同名字段。",
    nameLong: "名称最多 100 个字符。", nameControl: "名称不能包含换行符或控制字符。",
    outside: "有一个角在图片之外。", small: "太小：边长至少 3 像素，面积至少 16 平方像素。",
    notConvex: "不是凸四边形，或角的顺序不正确：应从左上角开始按顺时针排列。",
    unreachable: "{address} 没有响应。如果它在另一台主机上，该主机须允许本页面跨域访问（CORS）。",
    notJson: "{address} 返回了 {status}，但内容不是自定义模板文字识别的结果。",
    problem: "{status}：{detail}",
  },
};

export const { words, say, label, translate, switchLanguage } = inLanguage(WORDS, "template-editor-language");

/* A message for the user: a key of WORDS, and the values in its text. */
export class Fault extends Error {
  constructor(key, values) {
    super(key);
    this.values = values;
  }
}
