import { dots, marks, shares, vectors } from "./found.js";
import { label, make, say } from "./words.js";

const MANY = 6; // with more marks, their words would hide the image: they are shown one at a time
const LONG = 24; // longer words are cut over a box
const KINDS = { iVBOR: "image/png", "/9j/": "image/jpeg", UklGR: "image/webp" };

/* The elements that show a reply. files: the images of the request. */
export async function drawn(reply, files) {
  const pictures = (await Promise.all(files.map(opened))).filter(Boolean);
  const parts = [meters(reply), ...vectorNote(reply)];
  if (typeof reply.result === "string") {
    const result = await opened(blobOf(reply.result));
    parts.push(result ? comparison(result, pictures[0]) : say(make("p"), "unreadable"));
  } else if (pictures.length === 2 && reply.Faces?.length === 2) {
    const each = pictures.map((picture, index) => figure(picture, { Faces: [reply.Faces[index]] }));
    parts.push(make("div", { className: "pair" }, ...each));
  } else {
    parts.push(pictures.length === 2 ? make("div", { className: "pair" }, ...pictures) : figure(pictures[0], reply));
  }
  return parts.filter(Boolean);
}

/* A loaded image element, or undefined if the browser cannot load it. */
async function opened(blob) {
  const image = label(make("img", { src: URL.createObjectURL(blob), alt: "" }), "noPicture");
  try {
    await image.decode();
    return image;
  } catch {
    return undefined;
  } finally {
    URL.revokeObjectURL(image.src);
  }
}

function blobOf(base64) {
  const kind = Object.entries(KINDS).find(([start]) => base64.startsWith(start));
  return new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], { type: kind?.[1] ?? "" });
}

/* The image with the results drawn over it, and a table of the results. */
function figure(picture, reply) {
  const [width, height] = [picture?.naturalWidth ?? 1, picture?.naturalHeight ?? 1];
  const [found, points] = [marks(reply, width, height), dots(reply)];
  const located = Array.isArray(reply) || "Faces" in reply || "Labels" in reply;
  const overlay = make("svg:svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  const size = Math.max(width, height);
  found.forEach((mark, index) => overlay.append(shape(mark, index, size, found.length > MANY)));
  overlay.append(...points.map(({ x, y, kind }) =>
    make("svg:circle", { cx: x, cy: y, r: size / (kind === "fine" ? 280 : 130), class: kind })));
  const stage = picture ? make("div", { className: "drawing" }, picture, overlay) : "";
  const table = found.length ? tableOf(found, overlay) : located ? say(make("p"), "nothing") : "";
  return make("div", { className: "figure" }, stage, table);
}

/* Draws a polygon and its words. The words stand over the polygon, or inside it if there is no room above. In a crowded
   image they are hidden behind a number on the left, until the user points at their row of the table. */
function shape({ points, words, score }, index, size, crowded) {
  const [across, down] = [distance(points[0], points[1]), distance(points[1], points[2])];
  const type = Math.min(Math.max(Math.min(across, down) / 2, size / 90), size / 32);
  const [left, top] = [Math.min(points[0][0], points[3][0]), Math.min(points[0][1], points[1][1])];
  const y = top > type * 1.2 ? points[0][1] - type * 0.25 : top + type;
  const group = make("svg:g", { class: `${scoreClass(score)} ${crowded ? "crowded" : ""}` });
  group.append(make("svg:polygon", { points: points.join(" ") }));
  group.append(make("svg:text", { x: left, y, "font-size": type, class: "words" },
    `${index + 1} ${words.length > LONG ? `${words.slice(0, LONG)}…` : words}`));
  if (crowded) {
    const middle = { x: left - type / 4, y: (points[0][1] + points[3][1]) / 2 + type / 3 };
    group.append(make("svg:text", { ...middle, "font-size": type, "text-anchor": "end" }, index + 1));
  }
  return group;
}

function tableOf(found, overlay) {
  const head = ["number", "text", "score"].map((key) => say(make("th", { scope: "col" }), key));
  const rows = found.map(({ words, score }, index) => {
    const cells = [make("th", { scope: "row" }, index + 1), make("td", {}, words || say(make("span"), "face")),
      make("td", {}, `${(score * 100).toFixed(1)} %`)];
    const row = make("tr", { tabIndex: 0, className: scoreClass(score) }, ...cells);
    const light = (on) => () => overlay.children[index].classList.toggle("lit", on);
    for (const [event, on] of [["mouseenter", true], ["focus", true], ["mouseleave", false], ["blur", false]]) {
      row.addEventListener(event, light(on));
    }
    return row;
  });
  const table = make("table", {}, say(make("caption"), "found"), make("thead", {}, make("tr", {}, ...head)),
    make("tbody", {}, ...rows));
  return make("div", { className: "scroll", tabIndex: 0 }, table);
}

function scoreClass(score) {
  return score >= 0.9 ? "score-high" : score >= 0.7 ? "score-medium" : "score-low";
}

/* Shows a larger image under a slider with the original, and another result, such as a cut-out, on a checkerboard. */
function comparison(result, original) {
  if (!original || result.naturalWidth <= original.naturalWidth) {
    return make("div", { className: "checkerboard" }, result);
  }
  const slider = label(make("input", { type: "range", min: 0, max: 100, value: 50 }), "compare");
  const pair = make("div", { className: "before-after" }, original, result);
  pair.style.maxWidth = `${2 * result.naturalWidth}px`; // at a larger size, single pixels would show
  const move = () => pair.style.setProperty("--shown", `${slider.value}%`);
  slider.addEventListener("input", move);
  move();
  const [before, after] = [[original, "before"], [result, "after"]].map(([image, key]) =>
    make("span", {}, say(make("span"), key), ` ${image.naturalWidth}×${image.naturalHeight}`));
  return make("div", {}, pair, make("div", { className: "slider" }, before, slider, after));
}

function meters(reply) {
  const rows = shares(reply).map(([name, value]) => {
    const meter = make("meter", { min: 0, max: 1, value });
    return make("label", {}, make("code", {}, name), meter, make("output", {}, value.toFixed(4)));
  });
  return rows.length ? make("div", { className: "meters" }, ...rows) : null;
}

function vectorNote(reply) {
  const found = vectors(reply);
  if (!found) {
    return [];
  }
  const [count, length] = found;
  return [count === 1 ? say(make("p"), "vector", { count: length }) : say(make("p"), "vectors", { count, length })];
}

function distance([x1, y1], [x2, y2]) {
  return Math.hypot(x1 - x2, y1 - y2);
}
