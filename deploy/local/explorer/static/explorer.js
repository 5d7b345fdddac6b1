import { call, problem } from "./call.js";
import { Fields, FieldFault } from "./fields.js";
import { shortened } from "./found.js";
import { $ } from "./language.js";
import { curl, python } from "./lines.js";
import { Pictures } from "./pictures.js";
import { drawn } from "./reply.js";
import { make, marked, say, switchLanguage, translate, words } from "./words.js";

const STATES_EVERY_MS = 5000;
const PICTURE_FIELD = /^img(_\d)?$/, ADDRESS_FIELD = /^url(_\d)?$/;

let api, feature, examples, pictures, fields;
let latest = 0; // number of the latest call or reply: only this one is shown

async function json(path) {
  const response = await fetch(path);
  if (!response.ok) {
    throw new Error(`${path}: ${response.status}`);
  }
  return response.json();
}

function auth() {
  const scheme = api.components.securitySchemes?.caller;
  return !scheme ? "none" : scheme.name === "x-api-key" ? "key" : "iam";
}

function features() {
  return Object.entries(api.paths).map(([path, { post }]) => ({ path, ...post }));
}

function list() {
  $("features").replaceChildren(...features().map(({ operationId, summary, ...rest }) => {
    const state = make("small", { className: "state", id: `state-${operationId}` });
    return make("a", { href: `#${operationId}` }, make("b", { lang: "en" }, summary),
      make("span", { lang: "zh-CN" }, rest["x-title-zh"]), make("code", {}, operationId), state);
  }));
}

async function showStates() {
  for (const { feature: name, state, ...counted } of await json("states.json")) {
    const shown = $(`state-${name}`);
    shown.className = `state ${state}`;
    shown.title = words("state", { state: words(state), ...counted });
    say(shown, state);
  }
}

/* Shows the feature that the address names, or else the first one. */
async function show() {
  const all = features();
  feature = all.find(({ operationId }) => `#${operationId}` === location.hash) ?? all[0];
  for (const link of $("features").children) {
    const current = link.hash === `#${feature.operationId}`;
    link.setAttribute("aria-current", current);
    if (current) {
      link.scrollIntoView({ block: "nearest", inline: "center" });
    }
  }
  latest += 1;
  $("reply").hidden = true;
  $("call-status").textContent = "";
  $("name").textContent = `${feature.summary} · ${feature["x-title-zh"]}`;
  $("summary").replaceChildren(...marked(feature.description));
  $("address").textContent = `POST ${new URL(address()).pathname}`;
  build();
  const shown = feature;
  const { others = {}, ...first } = await json(`examples/${feature.operationId}`);
  if (shown !== feature) {
    return; // the user has chosen another feature meanwhile
  }
  examples = { first, ...others };
  $("preset").replaceChildren(...Object.keys(examples).map((name) => {
    const option = make("option", { value: name }, name.replaceAll("_", " "));
    return name === "first" ? say(option, "first") : option;
  }));
  $("presets").hidden = Object.keys(examples).length === 1;
  $("panel").hidden = false;
  await fill();
}

function address() {
  return `${location.origin}${api.servers[0].url}${feature.path}`;
}

function build() {
  const { schema } = feature.requestBody.content["application/json"];
  const { properties } = api.components.schemas[schema.$ref.split("/").at(-1)];
  const names = Object.keys(properties);
  const others = names.filter((name) => !PICTURE_FIELD.test(name) && !ADDRESS_FIELD.test(name));
  fields = undefined; // the old fields belong to another feature; showLines waits for the new ones
  pictures = new Pictures($("pictures"), names.filter((name) => PICTURE_FIELD.test(name)), () => showLines());
  const parameters = Object.fromEntries(others.map((name) => [name, properties[name]]));
  fields = new Fields($("fields"), parameters, () => showLines());
}

/* Fills the form with the chosen example. "@photo.jpg" stands for a file in the folder of the feature. */
async function fill() {
  const [shown, { request }] = [feature, examples[$("preset").value]];
  const files = Object.entries(request).filter(([name, value]) => PICTURE_FIELD.test(name) && value.startsWith("@"));
  const taken = await Promise.all(files.map(async ([name, value]) => [name, await sample(value.slice(1))]));
  if (shown !== feature) {
    return;
  }
  pictures.fill(Object.fromEntries(taken));
  fields.fill(request);
  showLines();
}

async function sample(name) {
  const blob = await (await fetch(`examples/${feature.operationId}/${name}`)).blob();
  return new File([blob], name, { type: blob.type });
}

function parts() {
  return { ...pictures.parts, ...fields.parts };
}

function showLines() {
  try {
    if (fields) {
      $("curl").textContent = curl(address(), parts(), auth());
      $("python").textContent = python(address(), parts(), auth());
    }
  } catch (fault) {
    if (!(fault instanceof FieldFault)) {
      throw fault;
    }
    $("curl").textContent = $("python").textContent = fault.message;
  }
}

async function tryIt() {
  const mine = ++latest;
  let request;
  try {
    request = parts();
  } catch (fault) {
    say($("call-status"), "");
    $("call-status").textContent = fault.message;
    return;
  }
  say($("call-status"), "working");
  $("try").disabled = true;
  const answer = await call(address(), request, auth() === "key" && $("key").value.trim()).catch(() => null);
  $("try").disabled = false;
  if (mine !== latest) {
    return; // the user has chosen another feature or reply meanwhile
  }
  if (answer) {
    say($("call-status"), "answered", { status: answer.status, ms: Math.round(answer.ms) });
    await present(answer, request);
  } else {
    say($("call-status"), "unreachable");
  }
}

/* Shows the recorded reply of the chosen example. */
async function showRecorded() {
  const mine = ++latest;
  await fill();
  const { response } = examples[$("preset").value];
  const reply = typeof response.result === "string" && response.result.startsWith("@")
    ? { ...response, result: await base64Of(response.result.slice(1)) }
    : response;
  if (mine === latest) {
    say($("call-status"), "wasRecorded");
    await present({ status: 200, stages: [], reply }, parts());
  }
}

async function base64Of(name) {
  const bytes = new Uint8Array(await (await sample(name)).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

async function present({ status, ms, stages, reply }, request) {
  const failed = status >= 400 || typeof reply !== "object";
  $("problem").hidden = !failed;
  $("problem").textContent = failed ? problem(status, reply) : "";
  $("timing").replaceChildren(...timing(stages, ms));
  const files = Object.values(request).filter((value) => value instanceof File);
  $("drawn").replaceChildren(...(failed ? [] : await drawn(reply, files)));
  const [short, whole] = [shortened(reply), reply].map((value) => JSON.stringify(value, null, 2));
  $("json").textContent = short;
  say($("json-note"), short === whole ? "whole" : "shortened");
  $("reply").hidden = false;
  $("reply").focus({ preventScroll: true });
  $("reply").scrollIntoView({ block: "start" });
}

/* The stages as parts of a bar and as a list. The last part of the bar is the time on the network. */
function timing(stages, ms) {
  if (!stages.length) {
    return [];
  }
  const known = stages.reduce((sum, [, duration]) => sum + duration, 0);
  const bar = make("div", { className: "bar", ariaHidden: "true" }, ...[...stages, ["", Math.max(0, ms - known)]].map(
    ([name, duration]) => {
      const part = make("i", { title: name });
      part.style.flexGrow = duration;
      return part;
    }));
  const items = stages.map(([name, duration]) => make("li", {}, `${name} ${duration} ms`));
  items.push(make("li", {}, say(make("span"), "total"), ` ${ms.toFixed(1)} ms`));
  return [bar, make("ul", {}, ...items)];
}

async function copy(button) {
  try {
    await navigator.clipboard.writeText($(button.dataset.copies).textContent);
    say(button, "copied");
  } catch {
    getSelection().selectAllChildren($(button.dataset.copies));
    say(button, "copyByHand");
  }
}

function listen() {
  $("language").addEventListener("click", switchLanguage);
  $("preset").addEventListener("change", fill);
  $("recorded").addEventListener("click", showRecorded);
  $("form").addEventListener("submit", (event) => {
    event.preventDefault();
    tryIt();
  });
  document.addEventListener("paste", ({ clipboardData }) => {
    const file = [...clipboardData.files].find(({ type }) => type.startsWith("image/"));
    if (file) {
      pictures.paste(file);
    }
  });
  for (const button of document.querySelectorAll("[data-copies]")) {
    button.addEventListener("click", () => copy(button));
  }
  window.addEventListener("hashchange", show);
}

async function start() {
  translate();
  api = await json("openapi.json");
  $("key-field").hidden = auth() !== "key";
  $("iam").hidden = auth() !== "iam";
  $("try").disabled = auth() === "iam";
  listen();
  list();
  if (!features().length) {
    say($("status"), "none");
    return;
  }
  say($("status"), "");
  await Promise.all([show(), showStates()]);
  setInterval(() => showStates().catch(() => {}), STATES_EVERY_MS);
}

start().catch(() => say($("status"), "unreachable"));
