import { newButton, onClick } from "./buttons.js";
import { ask } from "./endpoint.js";
import { bounds, Fields, MAX_FIELDS, nameFault } from "./fields.js";
import { Gestures } from "./gestures.js";
import { listenToKeys } from "./keys.js";
import { $ } from "./language.js";
import { fromBase64, inBase64, MAX_SIDE, onPicture, openPicture } from "./picture.js";
import { Stage, ZOOM_STEP } from "./stage.js";
import { chooseTemplate } from "./trial.js";
import { Fault, label, say, switchLanguage, translate } from "./words.js";

const fields = new Fields();
const stage = new Stage(fields, askName);
new Gestures(stage);
listenToKeys(stage);
let saved = fields.list; // the fields when the user last copied them or created a template

// ---- the image --------------------------------------------------------------------------------------------------

async function openImage(file) {
  try {
    showImage(await openPicture(file));
  } catch (error) {
    say($("image-status"), error.message, error.values);
  }
}

function showImage(picture) {
  const { width, height } = picture;
  const large = Math.max(width, height) > MAX_SIDE;
  say($("image-status"), large ? "large" : "", { width, height, limit: MAX_SIDE });
  $("empty").hidden = true;
  stage.show(picture);
  fields.changed();
  stage.viewport.focus({ preventScroll: true });
}

// ---- names ------------------------------------------------------------------------------------------------------

/* Asks the user for the name of a field, index -1 for a new one. Returns a promise of the name, or of null if the user
   cancels. */
function askName(index) {
  const [dialog, input, status] = [$("naming"), $("name"), $("name-fault")];
  const taken = fields.otherNames(index);
  input.value = fields.list[index]?.name ?? "";
  refuseName("");
  dialog.returnValue = "";
  dialog.showModal();
  input.select();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue ? input.value.trim() : null);
    dialog.onsubmit = (event) => {
      event.preventDefault();
      const full = index < 0 && fields.list.length >= MAX_FIELDS;
      const fault = full ? "tooMany" : nameFault(input.value, taken);
      refuseName(fault);
      if (!fault) {
        dialog.close("named");
      }
    };
  });

  function refuseName(fault) {
    say(status, fault, { limit: MAX_FIELDS });
    input.ariaInvalid = fault ? "true" : "false";
  }
}

// ---- the list of fields -----------------------------------------------------------------------------------------

/* Fills the rows of the list again instead of replacing them, so that the focus stays where it is. */
function renderList() {
  const list = $("fields");
  while (list.children.length > fields.list.length) {
    list.lastElementChild.remove();
  }
  while (list.children.length < fields.list.length) {
    list.append(newRow(list.children.length));
  }
  [...list.children].forEach(fillRow);
  $("count").textContent = fields.list.length;
  $("no-fields").hidden = fields.list.length > 0;
}

function newRow(index) {
  const row = document.createElement("li");
  const [pick, rename, remove] = [newButton(""), newButton("✎"), newButton("✕")];
  const fault = document.createElement("p");
  fault.className = "fault";
  pick.className = "pick";
  pick.append(document.createElement("b"), document.createElement("small"));
  pick.addEventListener("click", () => { stage.choose(index); stage.reveal(); });
  rename.addEventListener("click", () => stage.rename(index));
  remove.addEventListener("click", () => removeRow(index));
  row.append(pick, rename, remove, fault);
  return row;
}

function fillRow(row, index) {
  const { name, corners } = fields.list[index];
  const [pick, rename, remove, fault] = row.children;
  const { left, top, width, height } = bounds(corners);
  pick.children[0].textContent = name;
  pick.children[1].textContent = `${left}, ${top} · ${width} × ${height}`;
  pick.setAttribute("aria-pressed", index === fields.chosen);
  label(rename, "rename", { name });
  label(remove, "remove", { name });
  say(fault, fields.fault(index, stage.picture));
}

function removeRow(index) {
  fields.remove(index);
  if (index >= fields.list.length) {
    stage.viewport.focus({ preventScroll: true });
  }
}

function announce() {
  const { current } = fields;
  say($("live"), current ? "selected" : "selectedNone", current && { name: current.name, ...bounds(current.corners) });
}

// ---- creating, copying and loading a template -------------------------------------------------------------------

/* Returns the request body that creates this template. Throws `Fault`. */
async function requestBody() {
  if (!stage.picture) {
    throw new Fault("needImage");
  }
  if (!fields.list.length) {
    throw new Fault("needFields");
  }
  if (fields.list.length > MAX_FIELDS) {
    throw new Fault("tooMany", { limit: MAX_FIELDS });
  }
  if (fields.list.some((_, index) => fields.fault(index, stage.picture))) {
    throw new Fault("faulty");
  }
  const url = $("address").value.trim();
  const image = url ? { url } : { img: await inBase64(stage.picture.blob) };
  return { type: "add", ...image, template: fields.list.map(({ name, corners }) => [corners, name]) };
}

async function createTemplate() {
  $("created").hidden = true;
  const { template_id: id } = await ask(await requestBody());
  $("created-id").textContent = id;
  $("created").hidden = false;
  saved = fields.list;
  chooseTemplate(id);
  return ["created"];
}

async function copyBody() {
  const message = await copy(JSON.stringify(await requestBody()));
  saved = fields.list;
  return message;
}

/* Copies a text. If the browser does not allow that, it shows the text for the user to copy. */
async function copy(text) {
  const body = $("body");
  try {
    await navigator.clipboard.writeText(text);
    body.hidden = true;
    return ["copied"];
  } catch {
    body.value = text;
    body.hidden = false;
    body.select();
    return ["copyByHand"];
  }
}

/* Loads the fields, and the image if there is one, from a request body or from a template. */
async function importTemplate() {
  const { list, img } = parseTemplate($("import-text").value);
  if (img) {
    showImage(await openPicture(fromBase64(img)));
  }
  if (!stage.picture) {
    throw new Fault("needImage");
  }
  fields.apply(list, -1);
  return ["imported", { count: list.length }];
}

/* Returns {list, img}: the fields, and the image in base64 if the text has one. Throws `Fault`. */
function parseTemplate(text) {
  try {
    const body = JSON.parse(text);
    const given = Array.isArray(body) ? body : body.template;
    const template = typeof given === "string" ? JSON.parse(given) : given;
    const list = template.map(([corners, name]) => ({ name, corners: corners.map(([x, y]) => [+x, +y]) }));
    if (list.every(({ name, corners }) => typeof name === "string" && corners.length === 4)) {
      return { list, img: body.img };
    }
  } catch {
    // the same fault as for a template of another shape
  }
  throw new Fault("notTemplate");
}

// ---- the page ---------------------------------------------------------------------------------------------------

fields.changed = () => {
  stage.render();
  renderList();
  announce();
};

onPicture($("image-file"), $("drawing"), openImage);
onClick($("create"), $("create-status"), createTemplate);
onClick($("copy"), $("create-status"), copyBody);
onClick($("copy-id"), $("create-status"), () => copy($("created-id").textContent));
onClick($("import"), $("import-status"), importTemplate);
$("cancel").addEventListener("click", () => $("naming").close());
$("zoom-in").addEventListener("click", () => stage.zoomBy(ZOOM_STEP));
$("zoom-out").addEventListener("click", () => stage.zoomBy(1 / ZOOM_STEP));
$("fit").addEventListener("click", () => stage.fit());
$("actual").addEventListener("click", () => stage.zoomTo(1));
$("undo").addEventListener("click", () => fields.undo());
$("redo").addEventListener("click", () => fields.redo());
$("add").addEventListener("click", () => stage.add());
$("language").addEventListener("click", switchLanguage);
document.addEventListener("keydown", (event) => {
  const key = event.key.toLowerCase();
  const typing = event.target.closest("input, textarea, dialog");
  if ((event.ctrlKey || event.metaKey) && !typing && (key === "z" || key === "y")) {
    event.preventDefault();
    (key === "y" || event.shiftKey) ? fields.redo() : fields.undo();
  }
});
window.addEventListener("beforeunload", (event) => {
  if (fields.list.length && fields.list !== saved) {
    event.preventDefault();
  }
});

translate();
