import { attempt, newButton, onClick } from "./buttons.js";
import { ask } from "./endpoint.js";
import { clamp } from "./fields.js";
import { $ } from "./language.js";
import { inBase64, onPicture, openPicture, svg } from "./picture.js";
import { Fault, label, words } from "./words.js";

/* The part of the page that lists the stored templates and reads a photograph with one of them. */

let photograph = null;

// ---- templates --------------------------------------------------------------------------------------------------

export function chooseTemplate(id) {
  $("template-id").value = id;
  markTemplate();
}

function markTemplate() {
  const id = $("template-id").value.trim();
  for (const row of $("templates").children) {
    row.firstElementChild.setAttribute("aria-pressed", row.dataset.id === id);
  }
}

async function listTemplates() {
  const { template_id_list: ids, template = [] } = await ask({ type: "list" });
  $("templates").replaceChildren(...ids.map((id, at) => templateRow(id, template[at] ?? [])));
  markTemplate();
  return ids.length ? [""] : ["noTemplates"];
}

function templateRow(id, template) {
  const row = document.createElement("li");
  const [pick, remove] = [newButton(""), newButton("✕")];
  const [code, names] = [document.createElement("code"), document.createElement("small")];
  code.textContent = id.slice(0, 12);
  names.textContent = template.map(([, name]) => name).join(", ");
  row.dataset.id = id;
  pick.className = "pick";
  pick.title = id;
  pick.append(code, names);
  pick.addEventListener("click", () => chooseTemplate(id));
  label(remove, "deleteTemplate", { id: code.textContent });
  onClick(remove, $("templates-status"), () => deleteTemplate(id));
  row.append(pick, remove);
  return row;
}

async function deleteTemplate(id) {
  if (!confirm(words("confirmDelete", { id }))) {
    return null;
  }
  await ask({ type: "del", template_id: id });
  await listTemplates();
  $("refresh").focus();
  return ["deleted"];
}

// ---- reading ----------------------------------------------------------------------------------------------------

async function openPhotograph(file) {
  await attempt($("query-status"), async () => {
    photograph = await openPicture(file);
    $("query-image").src = photograph.address;
    $("query-image").hidden = false;
    $("query-empty").hidden = true;
    showValues([]);
  });
}

async function readFields() {
  const id = $("template-id").value.trim();
  showValues([]);
  if (!id) {
    throw new Fault("needId");
  }
  if (!photograph) {
    throw new Fault("needQuery");
  }
  const values = await ask({ type: "query", template_id: id, img: await inBase64(photograph.blob) });
  showValues(values);
  return ["read", { count: values.filter(({ value }) => value).length, total: values.length }];
}

function showValues(values) {
  $("values").hidden = values.length === 0;
  $("values").tBodies[0].replaceChildren(...values.map(valueRow));
  const { width, height } = photograph ?? { width: 1, height: 1 };
  $("query-overlay").setAttribute("viewBox", `0 0 ${width} ${height}`);
  $("query-overlay").replaceChildren(...values.filter(({ position }) => position).flatMap(reading));
}

function valueRow({ key, value, score }) {
  const row = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = key;
  row.append(head);
  row.insertCell().textContent = value || "–";
  row.insertCell().textContent = score.toFixed(1);
  return row;
}

/* The outline of a field in the photograph, and its text along the top side. */
function reading({ value, position }) {
  const [[x, y], [u, v], , [p, q]] = position;
  const room = Math.hypot(u - x, v - y);
  const tallest = photograph.height / 40;
  const size = clamp(Math.min(Math.hypot(p - x, q - y) * 0.6, room / ems(value)), tallest / 2, tallest);
  const angle = Math.atan2(v - y, u - x) * 180 / Math.PI;
  const kind = value ? "field" : "field faulty";
  const place = { x, y: y - size / 4, transform: `rotate(${angle} ${x} ${y})`, "font-size": size, class: kind };
  return [
    svg("polygon", { points: position.join(" "), class: kind }),
    svg("text", place, shortened(value, room / size)),
  ];
}

/* The approximate width of a text, in units of its font size. */
function ems(text) {
  return [...text].reduce((sum, character) => sum + (character > "\u2000" ? 1 : 0.6), 0);
}

function shortened(text, room) {
  const characters = [...text];
  const fitting = characters.findIndex((_, index) => ems(characters.slice(0, index + 1).join("")) > room + 1);
  return fitting < 0 ? text : `${characters.slice(0, fitting).join("")}…`;
}

onPicture($("query-file"), $("trial"), openPhotograph);
onClick($("refresh"), $("templates-status"), listTemplates);
onClick($("query"), $("query-status"), readFields);
$("template-id").addEventListener("input", markTemplate);
